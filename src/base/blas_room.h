// Room for OpenBLAS, which maps a buffer of 128 MB for each thread that is in it at a time and keeps it.
// Where it is not given one (a limit on address space), it asks again for ever: the program would neither
// work nor end.
#pragma once

namespace verissim {

// Makes OpenBLAS map the buffers of so many threads, unless it has them already. False if there is no room
// for them. If the matrix library is another one, true.
bool reserve_blas_buffers(int threads);

}  // namespace verissim
