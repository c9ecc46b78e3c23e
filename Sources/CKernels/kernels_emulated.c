// The kernels for tiles with the tiles in portable arithmetic: for tests, on any machine.

#include "blocks.h"
#include "emulated_tiles.h"
#include "table.h"

#define CK(name) ck_##name##_emulated
#define WIDTH 4
#define LINES 4
#define VECTORS 2
#define BRAIN

#include "tiles_body.h"

#include "kernels_body.h"
