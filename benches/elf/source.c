/* A program and a shared object in one, with something of everything that a loader cares for. */
#include <stdio.h>
#include <stdlib.h>

static __thread int counter = 5;
__thread int zeroed[64];
static int started;
__attribute__((constructor)) static void begin(void) { started = 3; }
const char *const words[] = {"one", "two", "three"};
int values[1000];

#define FUNCTION(n) \
    struct s##n { int a; double b; struct s##n *next; }; \
    __attribute__((noinline)) int function_##n(int x) { struct s##n s = {x, x * 2.0, 0}; return s.a + (int)s.b + counter; }
#define TEN(n) FUNCTION(n##0) FUNCTION(n##1) FUNCTION(n##2) FUNCTION(n##3) FUNCTION(n##4) \
    FUNCTION(n##5) FUNCTION(n##6) FUNCTION(n##7) FUNCTION(n##8) FUNCTION(n##9)
TEN(1) TEN(2) TEN(3) TEN(4) TEN(5)

#ifdef IFUNC
static int chosen(void) { return 7; }
static void *choose(void) { return (void *)chosen; }
int picked(void) __attribute__((ifunc("choose")));
#else
int picked(void) { return 7; }
#endif

int main(void) {
    zeroed[3] = started;
    values[7] = function_10(1) + function_59(2);
    printf("%d %d %d %s\n", zeroed[3], values[7], picked(), words[2]);
    return values[7] == 19 ? 0 : 1;
}
