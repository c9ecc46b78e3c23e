// The blocks in which the parts of split factors lie; see brain_body.h.

#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H

#include "ckernels.h"

enum {
  ck_side = 16,                     // rows or columns of a block
  ck_square = 2 * ck_side,          // rows, and columns, whose sums are made at a time
  ck_terms = 32,                    // terms of a block
  ck_block = ck_side * ck_terms,    // numbers of a block
  ck_sides = CK_PANEL / ck_side,    // blocks side by side in a panel
  ck_part = ck_sides * ck_block,    // numbers of as many blocks of the same terms, hi or lo
};

#endif
