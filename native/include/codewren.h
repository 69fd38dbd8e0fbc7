/* codewren in C: load a *.wren bundle from memory, and judge source code with it.
 *
 *   codewren_model* model;
 *   if (codewren_load(bytes, size, &model) != CODEWREN_OK) { puts(codewren_error()); return 1; }
 *   codewren_text text = {source, strlen(source), NULL};
 *   double probabilities[2];
 *   codewren_predict(model, &text, 1, probabilities);   one row of label_count numbers an item
 *   codewren_free(model);
 *
 * An item is one text, or two in a row where codewren_functions_per_item() is 2. A function that can fail returns a
 * status; what went wrong is one line of codewren_error(). No exception leaves this library, and nothing is printed. A
 * bundle may be a stranger's: it is checked whole before anything in it is believed.
 *
 * Threads: one model may be used by several at once, but for codewren_set_threads and codewren_use_calibration, which
 * no other call on the same model may overlap. codewren_error() is each thread's own.
 *
 * Functions are not cut out of files here: a text is one function, as a file's author wrote it. Students that read
 * data flow are refused (CODEWREN_UNSUPPORTED), because that needs a parser; no bundle that ships is one.
 */
#ifndef CODEWREN_H
#define CODEWREN_H

#include <stddef.h>
#include <stdint.h>

#if defined(CODEWREN_STATIC)
#define CODEWREN_API
#elif defined(_WIN32) && defined(CODEWREN_BUILD)
#define CODEWREN_API __declspec(dllexport)
#elif defined(_WIN32)
#define CODEWREN_API __declspec(dllimport)
#elif defined(__GNUC__)
#define CODEWREN_API __attribute__((visibility("default")))
#else
#define CODEWREN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum codewren_status {
  CODEWREN_OK = 0,
  CODEWREN_BAD_BUNDLE = 1, /* damaged, foreign, or of a newer schema */
  CODEWREN_BAD_INPUT = 2,  /* an argument, or a text that is not UTF-8 */
  CODEWREN_TOO_MANY = 3,   /* more pairs than there is room for */
  CODEWREN_NO_MEMORY = 4,
  CODEWREN_UNSUPPORTED = 5, /* a sound bundle that this interface cannot run */
  CODEWREN_INTERNAL = 6     /* a fault of this library; please report it */
} codewren_status;

typedef struct codewren_model codewren_model;

/* Source code of one function: `size` bytes of UTF-8, zero bytes allowed. `language` may be NULL; similarity encoders
 * read a text as Python if it is "python", and look at the text where it is NULL. */
typedef struct codewren_text {
  const char* data;
  size_t size;
  const char* language;
} codewren_text;

/* Indices of two vectors, and the probability of the positive label. */
typedef struct codewren_pair {
  int32_t first, second;
  double probability;
} codewren_pair;

/* The version of this library, such as "0.1.0". */
CODEWREN_API const char* codewren_version(void);

/* What went wrong in this thread's last call that failed, in one line; never NULL. */
CODEWREN_API const char* codewren_error(void);

/* Checks a bundle and makes a model of it, which keeps a copy of what it needs. On failure *model is NULL. */
CODEWREN_API codewren_status codewren_load(const void* bytes, size_t size, codewren_model** model);

/* NULL is allowed. */
CODEWREN_API void codewren_free(codewren_model* model);

/* What the bundle says of itself. Texts live as long as the model. */
CODEWREN_API const char* codewren_task(const codewren_model* model);
CODEWREN_API const char* codewren_language(const codewren_model* model); /* "" where there is none */
CODEWREN_API const char* codewren_manifest(const codewren_model* model); /* JSON */
CODEWREN_API const char* codewren_target(const codewren_model* model);   /* instruction set in use */
CODEWREN_API size_t codewren_functions_per_item(const codewren_model* model);
CODEWREN_API size_t codewren_label_count(const codewren_model* model);
CODEWREN_API const char* codewren_label(const codewren_model* model, size_t index); /* NULL beyond the last */
CODEWREN_API size_t codewren_positive(const codewren_model* model);     /* index of the label that is an alarm */
CODEWREN_API size_t codewren_vector_bytes(const codewren_model* model); /* 0 where there are no vectors: hints */

/* "single-label"; "multi-label", where an item has any number of labels, each with a probability of its own; or
 * "ordinal", where labels have an order. */
CODEWREN_API const char* codewren_kind(const codewren_model* model);

/* With two labels the positive one is predicted where its probability exceeds this; with more, the largest wins. Of an
 * ordinal model the last label is predicted that is reached, or passed, with more than this; of a multi-label one each
 * label has a threshold of its own. codewren_decide does all that. */
CODEWREN_API double codewren_threshold(const codewren_model* model);
CODEWREN_API double codewren_alert_threshold(const codewren_model* model); /* for whole repositories */

/* How many threads a call uses; 1 until this is called. 0 is refused. */
CODEWREN_API codewren_status codewren_set_threads(codewren_model* model, size_t threads);

/* Another idea of a clone or of an alarm, where a similarity encoder or a hint has several; "general" until this is
 * called. */
CODEWREN_API codewren_status codewren_use_calibration(codewren_model* model, const char* name);

/* Probabilities of `items` items, label_count numbers each, in the order of the labels. */
CODEWREN_API codewren_status codewren_predict(codewren_model* model, const codewren_text* texts, size_t items,
                                              double* probabilities);

/* What rows of probabilities mean: label_count bytes an item, 1 for each label that is predicted, else 0. That is one
 * label an item, but of a multi-label model any number of them. */
CODEWREN_API codewren_status codewren_decide(const codewren_model* model, const double* probabilities, size_t items,
                                             unsigned char* predicted);

/* Vectors of `count` texts, vector_bytes each: what the calls below compare. They belong to this model alone. Hints
 * make none, and refuse these calls (CODEWREN_BAD_INPUT). */
CODEWREN_API codewren_status codewren_encode(codewren_model* model, const codewren_text* texts, size_t count,
                                             void* vectors);

/* Probabilities of items that are indices into `vectors`, functions_per_item each. */
CODEWREN_API codewren_status codewren_predict_vectors(codewren_model* model, const void* vectors, size_t count,
                                                      const int64_t* indices, size_t items, double* probabilities);

/* All pairs first < second of `count` vectors whose probability exceeds `threshold`, sorted; *found says how many.
 * More than `room` pairs are CODEWREN_TOO_MANY, and `pairs` is left as it was. */
CODEWREN_API codewren_status codewren_pairs(codewren_model* model, const void* vectors, size_t count, double threshold,
                                            codewren_pair* pairs, size_t room, size_t* found);

/* The `k` vectors most like each query, best first, equal ones by index: min(k, count) pairs (query, vector) a query.
 * Similarity encoders only. */
CODEWREN_API codewren_status codewren_neighbours(codewren_model* model, const void* queries, size_t query_count,
                                                 const void* vectors, size_t count, size_t k, codewren_pair* pairs);

#ifdef __cplusplus
}
#endif

#endif
