// How much memory the process holds: everything that goes through malloc, that of libraries included.
#pragma once

#include <cstddef>

namespace verissim::fuzz {

void start_memory();   // from here on
size_t stop_memory();  // the most that was held since then beyond what was held at the start

}  // namespace verissim::fuzz
