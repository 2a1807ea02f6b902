#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace verissim::dataset {

// The rows of GT-final_test.csv as (file name, class). Columns are separated by ';' and found by their names,
// Filename and ClassId. `file` is for messages. Throws InputError for anything else, file names with folders
// in them, and classes outside 0 to `classes` - 1.
std::vector<std::pair<std::string, int>> parse_gtsrb_labels(std::string_view text, int classes,
                                                            const std::string& file);

// The class of "Training/00014/00003_00029.ppm", whatever stands before; -1 if it is no training image.
int gtsrb_class_of(std::string_view path);

}  // namespace verissim::dataset
