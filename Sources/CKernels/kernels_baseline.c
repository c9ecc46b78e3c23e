// What every machine of the architecture has: SSE2 on x86-64, NEON on ARM.

#include "table.h"

#define CK(name) ck_##name##_baseline
#include "kernels_body.h"
