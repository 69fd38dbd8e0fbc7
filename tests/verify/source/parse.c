/* Reads settings of the form name=value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 32

struct setting {
    char name[MAX_NAME];
    char *value;
};

int parse_setting(struct setting *setting, const char *line)
{
    const char *equals = strchr(line, '=');
    if (equals == NULL) {
        return -1;
    }
    strcpy(setting->name, line);
    setting->value = malloc(strlen(equals));
    strcpy(setting->value, equals + 1);
    return 0;
}

int parse_setting_checked(struct setting *setting, const char *line)
{
    const char *equals = strchr(line, '=');
    if (equals == NULL || equals - line >= MAX_NAME) {
        return -1;
    }
    memcpy(setting->name, line, (size_t)(equals - line));
    setting->name[equals - line] = '\0';
    setting->value = malloc(strlen(equals));
    if (setting->value == NULL) {
        return -1;
    }
    strcpy(setting->value, equals + 1);
    return 0;
}

void show(const char *text)
{
    char line[8];
    sprintf(line, "%s", text);
    printf(line);
}

int run(const char *program)
{
    char *unused;
    int result = system(program);
    return result + *unused;
}
