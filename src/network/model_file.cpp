#include "network/model_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/gzip.h"
#include "network/checkpoint.h"
#include "network/module_reader.h"
#include "network/onnx_model.h"
#include "network/onnx_reader.h"
#include "network/pytorch_file.h"
#include "network/pytorch_writer.h"
#include "network/quote.h"
#include "network/safetensors.h"
#include "network/script_reader.h"
#include "network/state_dict.h"
#include "network/write_back.h"
#include "network/zip_places.h"

namespace verissim::network {
namespace {

constexpr const char* kAssumedRelus =
    "read as Linear, ReLU, Linear, ..., Linear: the file names the arrays, not the activations";

// What a reader of one format gives.
struct Contents {
  ModelLayout layout;
  std::string format;
  std::vector<std::string> notes;
};

Contents read_pytorch(PytorchFile& file, NetworkBuilder& builder) {
  const StoredNetwork stored = find_network(file);
  Contents contents;
  const std::string container = file.is_legacy() ? "PyTorch (before 1.6) " : "PyTorch ";
  if (stored.module != nullptr) {
    read_module(file, *stored.module, builder);
    contents = {builder.layout(), container + "module", {}};
  } else {
    contents = {read_state_dict(file.file(), read_arrays(file, *stored.state_dict), builder),
                container + "state_dict",
                {kAssumedRelus}};
  }
  if (!stored.path.empty()) contents.notes.push_back("the network is '" + stored.path + "' of a checkpoint");
  return contents;
}

std::optional<Shape> shape_in_name(const std::string& path) {
  const auto name = parse_model_name(path);
  return name ? std::optional(name->input) : std::nullopt;
}

void check_given(const std::string& path, const std::optional<Shape>& input) {
  constexpr int64_t kMost = 1 << 20;
  const auto fits = [](int64_t size) { return size > 0 && size <= kMost; };
  if (!input || (fits(input->channels) && fits(input->height) && fits(input->width))) return;
  throw InputError(path, "input", to_string(*input), "positive sizes");
}

// A network and where its numbers lie in the file, if that is asked for.
struct Traced {
  LoadedModel model;
  std::map<int, NodeTrace> traces;
  std::vector<std::string> external_files = {};
};

// read(builder) reads the file's layers.
template <typename Read>
Traced load_layers(const std::string& path, std::span<const std::byte> data, const InputHint& hint,
                   Read read) {
  NetworkBuilder builder(path, hint);
  Contents contents = read(builder);
  LoadedModel model{builder.finish(), std::move(contents.layout), contents.format,
                    sha256(data),     builder.input_source(),     std::move(contents.notes)};
  if (!hint.given && hint.from_name && model.input_source != InputSource::kFileName) {
    model.notes.push_back("the input shape " + to_string(*hint.from_name) +
                          " in the file's name does not fit its first layer");
  }
  return {std::move(model), std::move(builder.traces())};
}

Traced load_script(PytorchFile& file, std::span<const std::byte> data, const InputHint& hint) {
  ScriptNetwork script = read_script(file, hint);
  ModelLayout layout = sequential_layout(script.network);
  return {
      {std::move(script.network), std::move(layout), "TorchScript", sha256(data), script.input_source, {}},
      std::move(script.traces)};
}

Traced load_pytorch(const std::string& path, std::span<const std::byte> data, const InputHint& hint,
                    bool tracing) {
  PytorchFile file(path, data, tracing);
  if (file.is_script()) return load_script(file, data, hint);
  return load_layers(path, data, hint, [&](NetworkBuilder& builder) { return read_pytorch(file, builder); });
}

Traced load_safetensors(const std::string& path, std::span<const std::byte> data, const InputHint& hint,
                        bool tracing) {
  return load_layers(path, data, hint, [&](NetworkBuilder& builder) -> Contents {
    return {read_state_dict(path, read_safetensors(path, data, tracing), builder),
            "safetensors",
            {kAssumedRelus}};
  });
}

// Far more than any model file packs into so few bytes.
size_t most_unpacked(size_t packed) { return 128 * packed + (size_t{1} << 26); }

Traced load_graph(const std::string& path, std::span<const std::byte> data, const InputHint& hint,
                  bool tracing) {
  OnnxNetwork onnx = read_onnx(path, data, hint, tracing);
  return {{std::move(onnx.network), std::move(onnx.layout), "ONNX", sha256(data), onnx.input_source,
           std::move(onnx.notes)},
          std::move(onnx.traces),
          std::move(onnx.external_files)};
}

// A file that is not packed.
Traced load_plain(const std::string& path, std::span<const std::byte> data, const InputHint& hint,
                  bool tracing) {
  if (PytorchFile::recognizes(data)) return load_pytorch(path, data, hint, tracing);
  if (is_safetensors(data)) return load_safetensors(path, data, hint, tracing);
  if (is_onnx(data)) return load_graph(path, data, hint, tracing);
  throw InputError(path, "", data.empty() ? "an empty file" : "no known kind of model file",
                   "PyTorch (.pt, .pth), safetensors or ONNX (.onnx, .onnx.gz)");
}

// Only ONNX files are packed as a whole.
bool is_packed(std::span<const std::byte> data) {
  return is_gzip(data) && !PytorchFile::recognizes(data) && !is_safetensors(data) && !is_onnx(data);
}

LoadedModel load(const std::string& path, std::span<const std::byte> data, const InputHint& hint) {
  if (!is_packed(data)) return load_plain(path, data, hint, false).model;
  const std::vector<std::byte> unpacked = unpack_gzip(path, data, most_unpacked(data.size()));
  if (!is_onnx(unpacked)) throw InputError(path, "gzip", "no ONNX file within", "one");
  LoadedModel model = load_graph(path, unpacked, hint, false).model;
  model.format += " (gzip)";
  model.digest = sha256(data);
  return model;
}

LoadedModel load(std::shared_ptr<const ModelSource> source) {
  check_given(source->path, source->input);
  LoadedModel model = load(source->path, source->bytes, {source->input, shape_in_name(source->path)});
  model.source = std::move(source);
  return model;
}

// The file's contents, with what is needed to read them again.
struct Contained {
  const ModelSource& source;
  std::vector<std::byte> unpacked;  // if it is packed
  std::span<const std::byte> data;
  InputHint hint;

  explicit Contained(const LoadedModel& model)
      : source(*model.source), data(source.bytes), hint{source.input, shape_in_name(source.path)} {
    if (!is_packed(data)) return;
    unpacked = unpack_gzip(source.path, data, most_unpacked(data.size()));
    data = unpacked;
  }
  Contained(const Contained&) = delete;
  Contained& operator=(const Contained&) = delete;

  Traced read() const { return load_plain(source.path, data, hint, true); }
};

}  // namespace

LoadedModel load_model(const std::string& path, std::optional<Shape> input) {
  return load(std::make_shared<const ModelSource>(ModelSource{path, read_file(path), input}));
}

LoadedModel parse_model(const std::string& path, std::span<const std::byte> data,
                        std::optional<Shape> input) {
  return load(std::make_shared<const ModelSource>(ModelSource{path, {data.begin(), data.end()}, input}));
}

void save_like(const std::string& path, const LoadedModel& like, const Network& changed) {
  VERISSIM_CHECK(like.source != nullptr);
  const Contained file(like);
  const std::string& name = file.source.path;
  const Traced before = file.read();
  if (!before.external_files.empty()) {
    throw InputError(name, "", "weights in the file " + quote(before.external_files.front()) + " beside it",
                     "external data in the model's file, to write one like it");
  }
  WrittenBack after = write_back(name, file.data, before.model.network, before.traces, changed);
  if (is_zip(file.data)) renew_checksums(name, file.data, after.bytes);
  const Traced read = load_plain(name, after.bytes, file.hint, false);
  check_read_back(name, after.expected, read.model.network);
  if (std::equal(after.bytes.begin(), after.bytes.end(), file.data.begin(), file.data.end())) {
    return write_file(path, file.source.bytes);  // packed as it was
  }
  write_file(path, file.unpacked.empty() ? after.bytes : pack_gzip(after.bytes));
}

std::vector<Writable> writable_nodes(const LoadedModel& like) {
  VERISSIM_CHECK(like.source != nullptr);
  const Traced traced = Contained(like).read();
  std::vector<Writable> result(traced.model.network.nodes.size());
  const auto has_place = [](const Trace& trace) { return trace && trace.source->obstacle.empty(); };
  for (const auto& [node, trace] : traced.traces) {
    const bool bias = has_place(trace.bias);
    // Weights whose inputs are shifted also change the network's bias: the file's must make up for it.
    const bool follows = bias || trace.inputs.empty();
    result[static_cast<size_t>(node)] = {has_place(trace.weight) && follows, bias};
  }
  return result;
}

void save_model(const std::string& path, const Network& network, const std::optional<ModelLayout>& layout) {
  const std::vector<NamedTensor> tensors = store(path, network, layout ? *layout : default_layout(network));
  write_file(path,
             path.ends_with(".safetensors") ? safetensors_bytes(tensors) : pytorch_bytes(path, tensors));
}

}  // namespace verissim::network
