#include "cbuild.h"

const char *heed_commit(void) { return HEED_COMMIT; }
