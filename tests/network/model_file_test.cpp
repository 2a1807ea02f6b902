#include "network/model_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "network/describe.h"
#include "network/evaluate.h"
#include "network/model_cases.h"
#include "network/random_network.h"

namespace verissim::network {
namespace {

const std::string kData = VERISSIM_SOURCE_DIR "/tests/network/data";

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

Network random_mlp(uint64_t seed) {
  Rng rng(seed);
  Network network = make_mlp({1, 2, 3}, {5, 4}, 3);
  for (Node& node : network.nodes) {
    if (auto* dense = std::get_if<Dense>(&node.op)) *dense = random_dense(rng, dense->in, dense->out);
  }
  return network;
}

TEST(ModelFile, KeptFilesAreReadAsPytorchMeantThem) {
  const std::vector<ModelCase> cases = read_model_cases(kData);
  ASSERT_EQ(cases.size(), 7U);
  for (const ModelCase& model_case : cases) expect_as_meant(model_case);
}

TEST(ModelFile, WhatIsWrittenIsReadBackExactly) {
  const testing::TemporaryFolder folder;
  for (const std::string name : {"model_i1x2x3_l5-4_o3.pt", "network.safetensors"}) {
    const Network network = random_mlp(1);
    const std::string path = folder.file(name);
    save_model(path, network);
    const LoadedModel model = load_model(path, network.input);
    EXPECT_EQ(model.digest, sha256_of_file(path));
    ASSERT_EQ(model.network.nodes.size(), network.nodes.size());
    for (const size_t k : {1U, 3U, 5U}) {
      const auto& got = std::get<Dense>(model.network.nodes[k].op);
      const auto& wanted = std::get<Dense>(network.nodes[k].op);
      EXPECT_EQ(got.weight, wanted.weight);
      EXPECT_EQ(got.bias, wanted.bias);
      EXPECT_EQ(model.network.nodes[k].name, network.nodes[k].name);
    }
  }
}

TEST(ModelFile, EqualNetworksGiveEqualBytes) {
  const testing::TemporaryFolder folder;
  save_model(folder.file("a.pt"), random_mlp(2));
  save_model(folder.file("b.pt"), random_mlp(2));
  EXPECT_EQ(read_file(folder.file("a.pt")), read_file(folder.file("b.pt")));
  EXPECT_EQ(sha256_of_file(folder.file("a.pt")),
            "685941bebb89a8899010e57425483a29e532d356f49645c2e05f672c33238a6b");
}

TEST(ModelFile, LayoutIsKept) {
  const testing::TemporaryFolder folder;
  const LoadedModel half = load_model(kData + "/half.pt");
  save_model(folder.file("again.pt"), half.network, half.layout);
  const LoadedModel again = load_model(folder.file("again.pt"));
  ASSERT_EQ(again.layout.size(), half.layout.size());
  for (size_t k = 0; k < half.layout.size(); ++k) {
    EXPECT_EQ(again.layout[k].key, half.layout[k].key);
    EXPECT_EQ(again.layout[k].dtype, DType::kFloat16);
    EXPECT_EQ(again.layout[k].shape, half.layout[k].shape);
  }
}

TEST(ModelFile, ValuesBeyondTheDtypeAreRefused) {
  const testing::TemporaryFolder folder;
  LoadedModel half = load_model(kData + "/half.pt");
  std::get<Dense>(half.network.nodes[1].op).weight[0] = 1e6;
  EXPECT_EQ(message_of([&] { save_model(folder.file("never.pt"), half.network, half.layout); }),
            folder.file("never.pt") +
                ": 'sequential.0.weight': got a value that is not finite in float16, wanted "
                "values within its range");
  EXPECT_FALSE(std::filesystem::exists(folder.file("never.pt")));
}

TEST(ModelFile, BiasWithoutSlotIsRefused) {
  const testing::TemporaryFolder folder;
  const Network network = random_mlp(3);
  ModelLayout layout = default_layout(network);
  std::erase_if(layout, [](const TensorSlot& slot) { return slot.key == "sequential.2.bias"; });
  EXPECT_EQ(message_of([&] { save_model(folder.file("never.pt"), network, layout); }),
            folder.file("never.pt") +
                ": layer 'sequential.2': got a bias, wanted none: the file that it was "
                "read from has none");
}

TEST(ModelFile, InputShape) {
  const testing::TemporaryFolder folder;
  save_model(folder.file("plain.pt"), random_mlp(4));
  EXPECT_EQ(load_model(folder.file("plain.pt")).network.input, (Shape{1, 1, 6}));
  EXPECT_EQ(load_model(folder.file("plain.pt")).input_source, InputSource::kFlat);
  EXPECT_EQ(load_model(folder.file("plain.pt"), Shape{3, 2, 1}).network.input, (Shape{3, 2, 1}));
  EXPECT_EQ(load_model(folder.file("plain.pt"), Shape{3, 2, 1}).input_source, InputSource::kGiven);
  EXPECT_NE(message_of([&] {
              load_model(folder.file("plain.pt"), Shape{1, 2, 2});
            }).find("'sequential.0.weight': got shape [5, 6], wanted 4 columns for images of 1x2x2"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              load_model(folder.file("plain.pt"), Shape{1, -2, -3});
            }).find("wanted positive sizes"),
            std::string::npos);
  save_model(folder.file("model_i1x2x3_l5-4_o3.pt"), random_mlp(4));
  EXPECT_EQ(load_model(folder.file("model_i1x2x3_l5-4_o3.pt")).input_source, InputSource::kFileName);
  save_model(folder.file("model_i1x9x9_l5-4_o3.pt"), random_mlp(4));
  const LoadedModel misnamed = load_model(folder.file("model_i1x9x9_l5-4_o3.pt"));
  EXPECT_EQ(misnamed.network.input, (Shape{1, 1, 6}));
  EXPECT_EQ(misnamed.notes.back(), "the input shape 1x9x9 in the file's name does not fit its first layer");
}

TEST(ModelFile, AbsentAndEmptyFiles) {
  EXPECT_NE(message_of([] { load_model("/nowhere/model.pt"); }).find("/nowhere/model.pt"), std::string::npos);
  EXPECT_EQ(message_of([] { parse_model("m.pt", {}); }),
            "m.pt: got an empty file, wanted PyTorch (.pt, .pth), safetensors or ONNX "
            "(.onnx, .onnx.gz)");
}

TEST(ModelName, FollowsTheOriginal) {
  EXPECT_EQ(model_file_name({1, 4, 4}, {6, 6, 6}, 5), "model_i1x4x4_l6-6-6_o5.pt");
  EXPECT_EQ(parse_model_name("runs/x_1/model_i3x10x12_l20_o43.pth"), (ModelName{{3, 10, 12}, {20}, 43}));
  EXPECT_EQ(parse_model_name("model_i1x4x4_l6-6-6_o5"), (ModelName{{1, 4, 4}, {6, 6, 6}, 5}));
  EXPECT_EQ(parse_model_name(model_file_name({2, 3, 4}, {}, 2)), (ModelName{{2, 3, 4}, {}, 2}));
}

TEST(ModelName, EverythingElseSaysNothing) {
  for (const char* name :
       {"", "model.pt", "model_i1x4_l6_o5.pt", "model_i1x4x4_l6-_o5.pt", "model_i1x4x4_l-6_o5.pt",
        "model_i0x4x4_l6_o5.pt", "model_i1x4x4_l6_o5_old.pt", "model_i1x4x-4_l6_o5.pt",
        "model_i1x4x4_l6_o99999999999999999999.pt", "model_i1x4x4_l6_o5.pt.gz", "my_model_i1x4x4_l6_o5.pt",
        "model_i01x4x4_l6_o5.pt", "model_i1x4x4_l6"}) {
    EXPECT_FALSE(parse_model_name(name).has_value()) << name;
  }
}

TEST(Describe, LayersOfAConvolution) {
  const LoadedModel model = load_model(kData + "/conv.pt", Shape{2, 3, 4});
  const std::vector<LayerSummary> layers = summarize(model.network);
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0].kind, "Conv2d");
  EXPECT_EQ(layers[0].inputs, 24);
  EXPECT_EQ(layers[0].outputs, 24);
  EXPECT_EQ(layers[0].parameters, 4 * 1 * 9 + 4);
  EXPECT_LT(layers[0].smallest, layers[0].largest);
  EXPECT_EQ(layers[1].kind, "ReLU");
  EXPECT_EQ(layers[2].kind, "Linear");
  EXPECT_EQ(hidden_sizes(model.network), std::vector<int64_t>{24});
}

std::string shared_models() {
  const char* variable = std::getenv("VERISSIM_SHARED_DATA");
  return std::string(variable == nullptr ? VERISSIM_SOURCE_DIR "/../shared/data" : variable) +
         "/models/mnist";
}

TEST(ModelFile, RealMnistNetworks) {
  if (!std::filesystem::is_directory(shared_models())) GTEST_SKIP() << "no folder " << shared_models();
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_models())) {
    const std::string path = entry.path().string();
    const auto name = parse_model_name(path);
    ASSERT_TRUE(name.has_value()) << path;
    const LoadedModel model = load_model(path);
    EXPECT_EQ(model.network.input, name->input);
    EXPECT_EQ(hidden_sizes(model.network), name->hidden);
    EXPECT_EQ(model.network.outputs(), name->outputs);
    ++count;
  }
  EXPECT_GE(count, 4U);
}

}  // namespace
}  // namespace verissim::network
