#pragma once

#include <string>

namespace verissim::experiment {

// Throws InputError if the file could not be written: its folder is missing or read-only, or the name is that
// of something that is no file. To be asked before long work whose result goes there.
void check_output_file(const std::string& file);

// The same for a network; the name must end in .pt, .pth or .safetensors.
void check_network_output(const std::string& file);

}  // namespace verissim::experiment
