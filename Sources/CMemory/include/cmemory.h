#ifndef CMEMORY_H
#define CMEMORY_H

// Makes threads allocate from one pool where the system counts addresses: each pool of its own would reserve
// 64 MiB of them.
void heed_use_one_arena(void);

#endif
