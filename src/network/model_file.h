// Reading and writing networks: one entry point for all formats.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "network/model_layout.h"
#include "network/model_name.h"
#include "network/network.h"
#include "network/network_builder.h"

namespace verissim::network {

struct LoadedModel {
  Network network;
  ModelLayout layout;  // keys and dtypes of the file, to write a network like this one
  std::string format;  // "PyTorch state_dict", "PyTorch module", "safetensors", ...
  std::string digest;  // SHA-256 of the file, as it is (packed or not)
  InputSource input_source = InputSource::kFlat;
  std::vector<std::string> notes;  // what was assumed, one line each
};

// Reads a PyTorch file (.pt, .pth: a TorchScript archive, a pickled nn.Sequential, a state_dict, a
// checkpoint that holds one; nothing in it is ever executed), a safetensors file or an ONNX file, which may
// be packed with gzip; the contents decide which, not the name. input: C, H, W of the images, which must fit
// the first layer. If absent, the shape that the file's name says in the original's convention is taken if it
// fits, otherwise 1 x 1 x n for a network that begins with a Linear layer. Throws InputError naming the file,
// the key or layer, what was found and what is wanted.
LoadedModel load_model(const std::string& path, std::optional<Shape> input = std::nullopt);

// The same of a file that is already in memory; path is its name.
LoadedModel parse_model(const std::string& path, std::span<const std::byte> data,
                        std::optional<Shape> input = std::nullopt);

// Writes a state_dict as a safetensors file if the path ends in ".safetensors", otherwise as a PyTorch file
// that torch.load(path, weights_only=True) reads. Without a layout the keys are "<node's name>.weight" and
// ".bias", all float32. The file appears whole or not at all; equal networks give equal bytes. See `store`
// (model_layout.h) for what happens to values that a dtype cannot hold. Throws InputError.
void save_model(const std::string& path, const Network& network,
                const std::optional<ModelLayout>& layout = {});

}  // namespace verissim::network
