#pragma once

#include <vector>

#include "dataset/dataset.h"

namespace verissim::dataset {

// The files of one half of a data set, with the places that publish them and the publishers' checksums.
std::vector<RemoteFile> published_files(DatasetName name, Split split);

}  // namespace verissim::dataset
