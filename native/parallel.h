// Work on many items by several threads, each with scratch memory borrowed from a pool.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "pool.h"

namespace codewren {

// Calls work(scratch, i) for every i in [0, count); which thread takes which i changes no result.
template <typename Scratch, typename Work>
void for_each_item(Pool<Scratch>& scratches, std::size_t count, std::size_t threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto worker = [&] {
    try {
      typename Pool<Scratch>::Lease scratch(scratches);
      for (std::size_t i; (i = next.fetch_add(1)) < count;) work(*scratch, i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(worker);
  } catch (const std::system_error&) {
    // The system gives no more threads: the ones there are do the work.
  }
  worker();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace codewren
