// Finds the network in what torch.save was given.
#pragma once

#include <string>
#include <vector>

#include "network/pickle_value.h"
#include "network/pytorch_file.h"

namespace verissim::network {

// A state_dict or a module; the other one is null. Both belong to the file's pickle.
struct StoredNetwork {
  std::string path;  // where it lies in a checkpoint: "model/net"; empty if it is the whole file
  const PickleDict* state_dict = nullptr;
  const PickleObject* module = nullptr;
};

// A state_dict is a dict with an array named "weight", "bias", "<...>.weight" or "<...>.bias". Looks into
// dicts within dicts, a few levels deep. Throws InputError if there is no network, or more than one (naming
// them all).
StoredNetwork find_network(const PytorchFile& file);

// The arrays of a state_dict in its order. Throws InputError naming the key for an entry that is no array.
std::vector<NamedTensor> read_arrays(PytorchFile& file, const PickleDict& state_dict);

}  // namespace verissim::network
