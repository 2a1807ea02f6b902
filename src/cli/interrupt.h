#pragma once

#include "base/stop.h"

namespace verissim::cli {

// From now on the first SIGINT or SIGTERM sets the flag that is returned, and a second one ends the process
// at once.
const InterruptFlag& catch_interrupts();

}  // namespace verissim::cli
