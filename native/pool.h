// Objects that running calls borrow and give back, so that the next call finds them as warm as they were left.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace codewren {

template <typename Item>
class Pool {
 public:
  // An item of the pool for the time of one call.
  class Lease {
   public:
    explicit Lease(Pool& pool) : pool_(pool), item_(pool.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.give(std::move(item_)); }
    Item& operator*() { return *item_; }
    Item* operator->() { return item_.get(); }

   private:
    Pool& pool_;
    std::unique_ptr<Item> item_;
  };

 private:
  std::unique_ptr<Item> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto item = std::move(idle_.back());
        idle_.pop_back();
        return item;
      }
    }
    return std::make_unique<Item>();
  }

  void give(std::unique_ptr<Item> item) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(item));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Item>> idle_;
};

}  // namespace codewren
