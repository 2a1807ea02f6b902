// Changed networks in files of the kind that they were read from.
#include "network/write_back.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/temporary_folder.h"
#include "network/evaluate.h"
#include "network/model_cases.h"
#include "network/random_network.h"
#include "network/safetensors.h"

namespace verissim::network {
namespace {

using Bytes = std::vector<std::byte>;

const std::string kData = VERISSIM_SOURCE_DIR "/tests/network/data";

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// script.pt has its entries compressed.
bool is_compressed(const ModelCase& model_case) { return model_case.path.ends_with("script.pt"); }

std::vector<ModelCase> all_cases() {
  std::vector<ModelCase> cases = read_model_cases(kData);
  for (const ModelCase& onnx : read_model_cases(kData, "onnx_cases.json")) cases.push_back(onnx);
  return cases;
}

struct Numbers {
  std::vector<double>* weight = nullptr;
  std::vector<double>* bias = nullptr;
};

Numbers numbers_of(Node& node) {
  if (auto* dense = std::get_if<Dense>(&node.op)) return {&dense->weight, &dense->bias};
  if (auto* conv = std::get_if<Conv2d>(&node.op)) return {&conv->weight, &conv->bias};
  return {};
}

// Calls change(number) for each that has a place in the file; gives how many.
size_t change_numbers(const LoadedModel& like, Network& network, const auto& change) {
  const std::vector<Writable> writable = writable_nodes(like);
  size_t count = 0;
  for (size_t k = 0; k < network.nodes.size(); ++k) {
    const Numbers numbers = numbers_of(network.nodes[k]);
    const auto change_all = [&](std::vector<double>& values) {
      for (double& value : values) change(value);
      count += values.size();
    };
    if (writable[k].weight) change_all(*numbers.weight);
    if (writable[k].bias) change_all(*numbers.bias);
  }
  return count;
}

void expect_close(Network got, Network wanted, double tolerance, const std::string& file) {
  ASSERT_EQ(got.nodes.size(), wanted.nodes.size()) << file;
  for (size_t k = 0; k < got.nodes.size(); ++k) {
    const Numbers a = numbers_of(got.nodes[k]);
    const Numbers b = numbers_of(wanted.nodes[k]);
    EXPECT_EQ(got.nodes[k].name, wanted.nodes[k].name) << file;
    if (a.weight == nullptr) continue;
    for (const auto& [x, y] : {std::pair(a.weight, b.weight), std::pair(a.bias, b.bias)}) {
      ASSERT_EQ(x->size(), y->size()) << file;
      for (size_t i = 0; i < x->size(); ++i) {
        EXPECT_NEAR((*x)[i], (*y)[i], tolerance * std::max(1.0, std::abs((*y)[i]))) << file << " " << k;
      }
    }
  }
}

class WriteBack : public ::testing::Test {
 protected:
  // Writes the network like the case's file and reads it.
  LoadedModel round_trip(const ModelCase& like_case, const LoadedModel& like, const Network& network) const {
    save_like(written(like_case), like, network);
    ModelCase again = like_case;
    again.path = written(like_case);
    return load_case(again);
  }
  std::string written(const ModelCase& like_case) const {
    return folder_ + "/" + std::filesystem::path(like_case.path).filename().string();
  }

  testing::TemporaryFolder temporary_;
  std::string folder_ = temporary_.path();
};

TEST_F(WriteBack, AnUnchangedNetworkGivesTheSameFile) {
  for (const ModelCase& model_case : all_cases()) {
    const LoadedModel like = load_case(model_case);
    save_like(written(model_case), like, like.network);
    EXPECT_EQ(read_file(model_case.path), read_file(written(model_case))) << model_case.path;
  }
}

TEST_F(WriteBack, EveryFormatKeepsItsFormAndTakesTheNumbers) {
  for (const ModelCase& model_case : all_cases()) {
    if (is_compressed(model_case)) continue;
    const LoadedModel like = load_case(model_case);
    Network changed = like.network;
    Rng rng(3);
    EXPECT_GT(change_numbers(like, changed, [&](double& x) { x += 0.01 * rng.uniform(-1.0, 1.0); }), 0U);
    const LoadedModel read = round_trip(model_case, like, changed);
    const bool half = model_case.path.ends_with("half.pt");
    expect_close(read.network, changed, half ? 0x1p-11 : 0x1p-23, model_case.path);
    EXPECT_EQ(read.format, like.format);
    EXPECT_EQ(read.notes, like.notes);
    EXPECT_EQ(read.input_source, like.input_source);
    ASSERT_EQ(read.layout.size(), like.layout.size());
    for (size_t k = 0; k < read.layout.size(); ++k) {
      EXPECT_EQ(read.layout[k].key, like.layout[k].key);
      EXPECT_EQ(read.layout[k].dtype, like.layout[k].dtype);
    }
  }
}

// The rest of the file stays as it is, but for an archive's checksums of that entry.
TEST_F(WriteBack, OneNumberChangesItsBytesOnly) {
  for (const ModelCase& model_case : all_cases()) {
    if (is_compressed(model_case)) continue;
    const LoadedModel like = load_case(model_case);
    Network changed = like.network;
    size_t at = 0;
    change_numbers(like, changed, [&](double& x) { x = at++ == 2 ? 0.75 : x; });
    round_trip(model_case, like, changed);
    const Bytes before = read_file(model_case.path);
    const Bytes after = read_file(written(model_case));
    if (is_gzip(before)) continue;
    ASSERT_EQ(before.size(), after.size());
    size_t differing = 0;
    for (size_t k = 0; k < before.size(); ++k) differing += before[k] != after[k] ? 1 : 0;
    const bool archive = before[0] == std::byte{'P'};
    // There the image's shift is in the network's biases: the file's own one makes up for the weight.
    const bool shifted = model_case.path.ends_with("mlp.onnx");
    EXPECT_GT(differing, 0U) << model_case.path;
    EXPECT_LE(differing, archive ? 4U + 3U * 4U : shifted ? 8U : 4U) << model_case.path;
  }
}

TEST_F(WriteBack, TheFileOfAnotherStructureIsNotWritten) {
  const LoadedModel like = load_model(kData + "/legacy.pt");
  EXPECT_EQ(message_of([&] {
              save_like(folder_ + "/never.pt", like, make_mlp({1, 1, 6}, {7}, 2));
            }),
            kData +
                "/legacy.pt: got a network of another structure to be written like this file, wanted the "
                "same layers and sizes");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/never.pt"));
}

TEST_F(WriteBack, ValuesBeyondTheDtypeAreRefused) {
  LoadedModel half = load_model(kData + "/half.pt");
  std::get<Dense>(half.network.nodes[1].op).weight[0] = 1e6;
  EXPECT_EQ(message_of([&] { save_like(folder_ + "/never.pt", half, half.network); }),
            kData +
                "/half.pt: 'sequential.0.weight': got a value that is not finite in float16, wanted values "
                "within its range");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/never.pt"));
}

TEST_F(WriteBack, CompressedEntriesAreRefused) {
  const LoadedModel like = load_model(kData + "/script.pt", Shape{1, 4, 4});
  for (const Writable& writable : writable_nodes(like)) EXPECT_FALSE(writable.weight || writable.bias);
  Network changed = like.network;
  std::get<Dense>(changed.nodes.back().op).weight[1] += 1.0;
  EXPECT_EQ(message_of([&] { save_like(folder_ + "/never.pt", like, changed); }),
            kData +
                "/script.pt: '5.weight': got weights that are compressed, wanted plain numbers, to write "
                "changed ones in their places");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/never.pt"));
}

// A normalisation is a layer of its own. Its factor goes into gamma, its offset into beta; the mean, the
// variance and the convolution before it stay.
TEST_F(WriteBack, NormalisationsKeepTheirStatistics) {
  const LoadedModel like = load_model(kData + "/norm.pt", Shape{1, 3, 3});
  Network changed = like.network;
  auto& norm = std::get<Conv2d>(changed.nodes[2].op);
  norm.weight[0] *= 1.5;
  norm.bias[1] += 0.25;
  save_like(folder_ + "/norm.pt", like, changed);
  const LoadedModel read = load_model(folder_ + "/norm.pt", Shape{1, 3, 3});
  expect_close(read.network, changed, 0x1p-22, "norm.pt");
  EXPECT_NE(std::get<Conv2d>(read.network.nodes[2].op).weight[0],
            std::get<Conv2d>(like.network.nodes[2].op).weight[0]);
  EXPECT_EQ(std::get<Conv2d>(read.network.nodes[1].op).weight,
            std::get<Conv2d>(like.network.nodes[1].op).weight);
  ASSERT_EQ(read.layout.size(), like.layout.size());
  for (size_t k = 0; k < read.layout.size(); ++k) {
    const std::string& key = read.layout[k].key;
    const bool statistic = key == "1.running_mean" || key == "1.running_var";
    const bool constant = key == "1.weight" || key == "1.bias";
    if (statistic || constant) {
      EXPECT_EQ(read.layout[k].bytes == like.layout[k].bytes, statistic) << key;
    }
  }
}

TEST_F(WriteBack, ABiasThatTheFileHasNotIsRefused) {
  const Bytes file =
      safetensors_bytes({{"fc.weight", encode(DType::kFloat32, {2, 3}, std::vector<double>(6, 0.5))}});
  const LoadedModel like = parse_model("net.safetensors", file);
  Network changed = like.network;
  std::get<Dense>(changed.nodes[1].op).bias[1] = 0.5;
  EXPECT_EQ(
      message_of([&] { save_like(folder_ + "/never.safetensors", like, changed); }),
      "net.safetensors: layer 'fc': got changed biases, wanted those of the file, which has none for this "
      "layer or computes them from others");
  EXPECT_TRUE(writable_nodes(like)[1].weight);
  EXPECT_FALSE(writable_nodes(like)[1].bias);
}

// Two layers of one weight and bias each, y = w x + b, in a file of four float32 numbers at these places.
struct Pair {
  Bytes file = encode(DType::kFloat32, {4}, std::vector<double>{2.0, 0.5, 3.0, -1.0}).bytes;
  Network network;
  std::map<int, NodeTrace> traces;

  Pair(double w, double b, double v, double c)
      : network{{1, 1, 1},
                {{Input{}, {}, 1, "input"},
                 {Dense{1, 1, {w}, {b}}, {0}, 1, "first"},
                 {Dense{1, 1, {v}, {c}}, {1}, 1, "second"}}} {}

  static Trace at(size_t number, const std::string& key) {
    ArraySource source{.key = key, .dtype = DType::kFloat32, .begin = 4 * number};
    return {std::make_shared<const ArraySource>(std::move(source)), {}};
  }
  std::vector<double> written(double w, double b, double v, double c) const {
    Tensor tensor{
        DType::kFloat32, {4}, write_back("f", file, network, traces, Pair(w, b, v, c).network).bytes};
    return decode(tensor);
  }
};

TEST(WriteBackTraces, FactorsAndInputsAreUndone) {
  Pair pair(4.0, 6.5, 3.0, -1.0);  // w = 2 * 2, b = 0.5 + 4 * 1.5
  pair.traces[1] = {Pair::at(0, "w"), {2.0}, Pair::at(1, "b"), {}, {1.5}};
  pair.traces[2] = {Pair::at(2, "v"), {}, Pair::at(3, "c"), {}, {}};
  EXPECT_EQ(pair.written(4.0, 6.5, 3.0, -1.0), (std::vector<double>{2.0, 0.5, 3.0, -1.0}));
  EXPECT_EQ(pair.written(8.0, 6.5, 3.5, -2.0), (std::vector<double>{4.0, -5.5, 3.5, -2.0}));
  EXPECT_EQ(pair.written(4.0, 7.0, 3.0, -1.0), (std::vector<double>{2.0, 1.0, 3.0, -1.0}));
}

TEST(WriteBackTraces, SharedNumbersMustChangeAlike) {
  Pair pair(2.0, 0.5, 2.0, -1.0);
  pair.traces[1] = {Pair::at(0, "w"), {}, Pair::at(1, "b"), {}, {}};
  pair.traces[2] = {Pair::at(0, "w"), {}, Pair::at(3, "c"), {}, {}};
  EXPECT_EQ(pair.written(5.0, 0.5, 5.0, -1.0), (std::vector<double>{5.0, 0.5, 3.0, -1.0}));
  const std::string message =
      "f: 'w': got different values for one number of the file, which layer 'second' shares, wanted the same "
      "change in all layers that share it";
  EXPECT_EQ(message_of([&] { pair.written(5.0, 0.5, 2.0, -1.0); }), message);
  EXPECT_EQ(message_of([&] { pair.written(2.0, 0.5, 5.0, -1.0); }), message);
  EXPECT_EQ(message_of([&] { pair.written(5.0, 0.5, 6.0, -1.0); }), message);
}

TEST(WriteBackTraces, WhatHasNoPlaceIsRefused) {
  Pair pair(2.0, 0.5, 0.0, -1.0);
  ArraySource beside{.key = "w", .dtype = DType::kFloat32, .obstacle = "in another file"};
  pair.traces[1].weight.source = std::make_shared<const ArraySource>(std::move(beside));
  pair.traces[2] = {Pair::at(2, "v"), {0.0}, {}, {}, {}};
  EXPECT_EQ(
      message_of([&] { pair.written(2.5, 0.5, 0.0, -1.0); }),
      "f: 'w': got weights that are in another file, wanted plain numbers, to write changed ones in their "
      "places");
  EXPECT_EQ(
      message_of([&] { pair.written(2.0, 0.5, 1.0, -1.0); }),
      "f: 'v': got changed weights of layer 'second', which the file multiplies by 0, wanted those of the "
      "file");
  EXPECT_EQ(pair.written(2.0, 0.5, 0.0, -1.0), (std::vector<double>{2.0, 0.5, 3.0, -1.0}));
}

TEST(WriteBackTraces, WhatIsReadBackIsCompared) {
  const Network network = Pair(2.0, 0.5, 3.0, -1.0).network;
  EXPECT_EQ(message_of([&] { check_read_back("f", network, network); }), "no error");
  EXPECT_EQ(
      message_of([&] { check_read_back("f", network, Pair(2.0, 0.5, 3.1, -1.0).network); }),
      "f: layer 'second': got numbers that depend on changed ones of other layers, wanted arrays of its "
      "own");
}

// Runs one of our scripts in the interpreter of VERISSIM_PYTHON; its output and whether it succeeded.
std::pair<std::string, bool> run_script(const std::string& name, const std::vector<std::string>& arguments) {
  std::string line;
  line.append("'").append(std::getenv("VERISSIM_PYTHON")).append("' '" VERISSIM_SOURCE_DIR "/tests/network/");
  line.append(name).append("'");
  for (const std::string& word : arguments) line.append(" '").append(word).append("'");
  FILE* pipe = popen(line.append(" 2>&1").c_str(), "r");
  if (pipe == nullptr) return {"the shell cannot be started", false};
  std::string output;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  return {output, pclose(pipe) == 0};
}

// Every good file with all its numbers changed, written like the file: read as it was meant, and computed by
// onnxruntime or PyTorch to what we compute.
class WrittenFiles : public WriteBack {
 protected:
  void SetUp() override {
    if (std::getenv("VERISSIM_PYTHON") == nullptr) {
      GTEST_SKIP() << "VERISSIM_PYTHON names no Python interpreter with PyTorch and onnxruntime";
    }
  }

  // Writes the changed network of a case and lists it, unless the file shares its numbers.
  void write(const ModelCase& model_case) {
    const LoadedModel like = load_case(model_case);
    Network changed = like.network;
    Rng rng(5);
    change_numbers(like, changed, [&](double& x) { x *= rng.uniform(0.98, 1.0); });
    const std::string message = message_of([&] { add(model_case, like, changed); });
    if (message == "no error") return;
    const bool external = message.find("got weights in the file '") != std::string::npos;
    EXPECT_TRUE(external || message.find("share") != std::string::npos) << message;
    ++refused_;
  }

  void check(const std::string& script, size_t least) {
    const std::string originals = folder_ + "/originals";
    std::filesystem::create_directories(originals);
    const auto [output, made] = run_script(script, {"make", originals});
    ASSERT_TRUE(made) << output;
    for (const ModelCase& model_case : read_model_cases(originals)) {
      if (model_case.error.empty()) write(model_case);
    }
    EXPECT_GE(listed_.size(), least);
    std::fprintf(stdout, "%zu written, %zu refused for shared numbers or external data\n", listed_.size(),
                 refused_);
    write_text_file(folder_ + "/written.json", listed_.dump());
    const auto [complaints, right] = run_script("written_files.py", {folder_});
    EXPECT_TRUE(right) << complaints;
  }

 private:
  void add(const ModelCase& model_case, const LoadedModel& like, const Network& changed) {
    const LoadedModel read = round_trip(model_case, like, changed);
    const std::vector<double>& input = model_case.inputs.front();
    const Shape& shape = model_case.shape;
    bool channels_last = false;
    for (const std::string& note : like.notes) {
      channels_last = channels_last || note.find("channels last") != std::string::npos;
    }
    listed_.push_back({{"file", written(model_case)},
                       {"original", model_case.path},
                       {"shape", {shape.channels, shape.height, shape.width}},
                       {"channels_last", channels_last},
                       {"input", input},
                       {"output", evaluate(read.network, input)}});
  }

  nlohmann::json listed_ = nlohmann::json::array();
  size_t refused_ = 0;
};

TEST_F(WrittenFiles, OnnxruntimeRunsThem) { check("onnx_files.py", 60); }
TEST_F(WrittenFiles, PytorchRunsThem) { check("pytorch_files.py", 90); }

}  // namespace
}  // namespace verissim::network
