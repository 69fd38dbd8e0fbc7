/* Three functions to try `codewren scan` on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    char *name;
    size_t length;
};

/* Copies as many bytes as the sender says, into a buffer that knows nothing of it. */
int read_request(struct request *request, const char *packet)
{
    char name[64];
    size_t length = (unsigned char)packet[0];

    memcpy(name, packet + 1, length);
    name[length] = '\0';
    request->name = strdup(name);
    request->length = length;
    return 0;
}

/* The same with the check. */
int read_request_checked(struct request *request, const char *packet, size_t size)
{
    size_t length;

    if (size < 1 || (length = (unsigned char)packet[0]) > size - 1) {
        return -1;
    }
    request->name = malloc(length + 1);
    if (request->name == NULL) {
        return -1;
    }
    memcpy(request->name, packet + 1, length);
    request->name[length] = '\0';
    request->length = length;
    return 0;
}

void print_request(const struct request *request)
{
    printf("%s, %zu bytes\n", request->name, request->length);
}
