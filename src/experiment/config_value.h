// Sets single members of a config, checked against the table of keys.
#pragma once

#include <string>

#include "experiment/config_keys.h"
#include "experiment/json_tree.h"

namespace verissim::experiment {

// Throws InputError that names the file, the key, what was given and what is allowed.
void set_value(Config& config, const Key& key, const JsonTree& value, const std::string& file);

// The same from a text such as an option of a command line has: lists are written 1,2,3. `place` is the
// option's name, for messages.
void set_from_text(Config& config, const Key& key, const std::string& text, const std::string& place);

}  // namespace verissim::experiment
