// What the build knows of itself.

#ifndef CBUILD_H
#define CBUILD_H

// The commit that was built, with `-dirty` where files differ from it; `unknown` without git.
const char *heed_commit(void);

#endif
