#pragma once

#include "base/stop.h"

namespace verissim::cli {

// From now on the first SIGINT, SIGTERM or SIGHUP sets the flag that is returned, and a second one ends the
// process at once. SIGHUP stays ignored where it was (nohup). SIGPIPE is ignored: whoever reads the progress
// may leave without ending the work; what is written there then is lost.
const InterruptFlag& catch_interrupts();

}  // namespace verissim::cli
