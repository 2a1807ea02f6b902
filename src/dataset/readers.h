// The readers of the data sets; dataset.h chooses among them.
#pragma once

#include <optional>
#include <string>

#include "dataset/dataset.h"

namespace verissim::dataset {

// MNIST and FashionMNIST.
std::optional<Dataset> load_mnist(const Request& request);
std::optional<Dataset> load_gtsrb(const Request& request);

// The first of the paths that exists.
std::optional<std::string> first_existing(const std::vector<std::string>& paths);

// Makes the file `name` be in the folder, by downloading it if the request allows. False: stopped. Throws
// InputError.
bool provide(const Request& request, const std::string& folder, const std::vector<std::string>& names);

}  // namespace verissim::dataset
