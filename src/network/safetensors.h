// The safetensors format: the length of a JSON header (8 bytes), the header, the raw arrays.
// Source: https://github.com/huggingface/safetensors, section "Format" of its README.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "network/tensor.h"

namespace verissim::network {

// Whether the data begin like a safetensors file.
bool is_safetensors(std::span<const std::byte> data);

// The arrays in the order of the header. Throws InputError naming `file` and the array when the header is
// malformed, or the arrays do not fill the file without overlaps and holes.
// tracing: whether they tell where they lie.
std::vector<NamedTensor> read_safetensors(const std::string& file, std::span<const std::byte> data,
                                          bool tracing = false);

// The bytes of a file with these arrays; equal arrays give equal bytes.
std::vector<std::byte> safetensors_bytes(const std::vector<NamedTensor>& tensors);

}  // namespace verissim::network
