// Reading and writing networks: one entry point for all formats.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "network/model_layout.h"
#include "network/model_name.h"
#include "network/network.h"
#include "network/network_builder.h"

namespace verissim::network {

// A file as it was read.
struct ModelSource {
  std::string path;
  std::vector<std::byte> bytes;
  std::optional<Shape> input;  // as it was given
};

struct LoadedModel {
  Network network;
  ModelLayout layout;  // keys and dtypes of the file, to write a network like this one
  std::string format;  // "PyTorch state_dict", "PyTorch module", "safetensors", ...
  std::string digest;  // SHA-256 of the file, as it is (packed or not)
  InputSource input_source = InputSource::kFlat;
  std::vector<std::string> notes;                       // what was assumed, one line each
  std::shared_ptr<const ModelSource> source = nullptr;  // to write a changed network as such a file
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

// Writes the file that `like` was read from with the numbers of a changed network in it: its bytes but for
// those of numbers that have changed, each rounded to the dtype that it has there, and checksums. So keys,
// names, architecture and format stay, and an unchanged network gives an equal file. The running statistics
// of batch normalisations stay as well; what has changed of their layers goes into gamma and beta. `changed`
// must have the structure of like.network. The file read back is compared with it before it appears, whole or
// not at all. Throws InputError naming the key or the layer where a number that has changed has no place of
// its own in the file: a bias that it has not, constants that it computes or that are none of its arrays (an
// average, a slope), shared weights that do not change alike, external data, compressed entries of an
// archive.
void save_like(const std::string& path, const LoadedModel& like, const Network& changed);

// Which numbers of a network save_like can write: those of a node's weight and bias.
struct Writable {
  bool weight = false;
  bool bias = false;
};
// For each node of like.network. Shared weights count as writable.
std::vector<Writable> writable_nodes(const LoadedModel& like);

}  // namespace verissim::network
