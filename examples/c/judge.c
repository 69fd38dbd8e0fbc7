/* Judges files, each of them one function: prints every label's probability, or those of a pair of files.
 *
 *   cc judge.c $(pkg-config --cflags --libs codewren) -o judge
 *   ./judge vulnerability-c-micro.wren request.c
 */
#include <codewren.h>
#include <stdio.h>
#include <stdlib.h>

static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(2);
  }
  *size = (size_t)ftell(file);
  rewind(file);
  char* bytes = malloc(*size + 1);
  if (!bytes || fread(bytes, 1, *size, file) != *size) exit(2);
  fclose(file);
  return bytes;
}

static int fail(codewren_model* model) {
  fprintf(stderr, "%s\n", codewren_error());
  codewren_free(model);
  return 2;
}

int main(int count, char** paths) {
  if (count < 3) {
    fprintf(stderr, "usage: %s BUNDLE FILE...\n", paths[0]);
    return 2;
  }
  size_t size;
  char* bytes = read_file(paths[1], &size);
  codewren_model* model;
  codewren_status status = codewren_load(bytes, size, &model);
  free(bytes); /* the model keeps what it needs */
  if (status) return fail(model);

  size_t width = codewren_functions_per_item(model), labels = codewren_label_count(model);
  size_t texts_count = (size_t)count - 2, items = texts_count / width;
  codewren_text* texts = calloc(texts_count, sizeof *texts);
  for (size_t i = 0; i < texts_count; ++i) texts[i].data = read_file(paths[i + 2], &texts[i].size);
  double* probabilities = calloc(items * labels + 1, sizeof *probabilities);
  status = codewren_predict(model, texts, items, probabilities);
  for (size_t item = 0; !status && item < items; ++item) {
    printf("%s", paths[2 + item * width]);
    for (size_t label = 0; label < labels; ++label)
      printf(" %s %.9f", codewren_label(model, label), probabilities[item * labels + label]);
    printf("\n");
  }
  for (size_t i = 0; i < texts_count; ++i) free((char*)texts[i].data);
  free(texts);
  free(probabilities);
  if (status) return fail(model);
  codewren_free(model);
  return 0;
}
