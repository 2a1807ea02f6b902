// ONNX files against onnxruntime and the onnx package's reference, in the interpreter that the environment
// variable VERISSIM_PYTHON names; and a few that are kept, without one.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/gzip.h"
#include "base/temporary_folder.h"
#include "network/model_cases.h"

namespace verissim::network {
namespace {

const std::string kData = VERISSIM_SOURCE_DIR "/tests/network/data";

std::string shared_data() {
  const char* given = std::getenv("VERISSIM_SHARED_DATA");
  return given != nullptr ? given : VERISSIM_SOURCE_DIR "/../shared/data";
}

// Runs a command of Python's; its output and whether it succeeded.
std::pair<std::string, bool> run_python(const std::vector<std::string>& arguments) {
  std::string line;
  line.append("'").append(std::getenv("VERISSIM_PYTHON")).append("' ");
  for (const std::string& word : arguments) line.append("'").append(word).append("' ");
  line.append("2>&1");
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) return {"the shell cannot be started", false};
  std::string output;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  return {output, pclose(pipe) == 0};
}

const std::string kScript = VERISSIM_SOURCE_DIR "/tests/network/onnx_files.py";

class Onnx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("VERISSIM_PYTHON") == nullptr) {
      GTEST_SKIP() << "VERISSIM_PYTHON names no Python interpreter";
    }
    if (!run_python({"-c", "import onnx, onnxruntime, onnxscript, torch"}).second) {
      GTEST_SKIP() << "the interpreter of VERISSIM_PYTHON lacks onnx, onnxruntime, onnxscript or torch";
    }
  }

  testing::TemporaryFolder temporary_;
  std::string folder_ = temporary_.path();
};

TEST_F(Onnx, FilesAreReadAsOnnxruntimeMeansThem) {
  const auto [output, made] = run_python({kScript, "make", folder_});
  ASSERT_TRUE(made) << output;
  std::fputs(output.c_str(), stdout);
  size_t good = 0;
  const std::vector<ModelCase> cases = read_model_cases(folder_);
  for (const ModelCase& model_case : cases) {
    expect_as_meant(model_case);
    good += model_case.error.empty() ? 1 : 0;
  }
  EXPECT_GE(good, 70U);
  EXPECT_GE(cases.size() - good, 55U);
}

TEST_F(Onnx, CompetitionNetworksAreReadAsOnnxruntimeMeansThem) {
  const std::string data = shared_data() + "/vnncomp";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no folder " << data << " (see VERISSIM_SHARED_DATA)";
  const auto [output, made] = run_python({kScript, "competition", data, folder_});
  ASSERT_TRUE(made) << output;
  const std::vector<ModelCase> cases = read_model_cases(folder_);
  EXPECT_GE(cases.size(), 5U);
  for (const ModelCase& model_case : cases) expect_as_meant(model_case);
}

TEST(OnnxFile, KeptFilesAreReadAsOnnxruntimeMeantThem) {
  const std::vector<ModelCase> cases = read_model_cases(kData, "onnx_cases.json");
  ASSERT_EQ(cases.size(), 4U);
  for (const ModelCase& model_case : cases) expect_as_meant(model_case);
}

TEST(OnnxFile, TheInputsShapeIsTheFiles) {
  const LoadedModel model = load_model(kData + "/mlp.onnx");
  EXPECT_EQ(model.input_source, InputSource::kFile);
  EXPECT_EQ(model.network.input, (Shape{1, 2, 3}));
  EXPECT_EQ(model.network.nodes.size(), 4U) << "the subtraction in front is exact in the first layer";
}

// The keys and dtypes of the network's layout make a PyTorch file that is read as the same network.
TEST(OnnxFile, CanBeSavedAsPytorch) {
  const testing::TemporaryFolder folder;
  const LoadedModel tail = load_model(kData + "/tail.onnx");
  save_model(folder.file("tail.pt"), tail.network, tail.layout);
  const LoadedModel again = load_model(folder.file("tail.pt"));
  ASSERT_EQ(again.network.nodes.size(), tail.network.nodes.size());
  for (const size_t k : {1U, 3U}) {
    EXPECT_EQ(std::get<Dense>(again.network.nodes[k].op).weight,
              std::get<Dense>(tail.network.nodes[k].op).weight);
    EXPECT_EQ(std::get<Dense>(again.network.nodes[k].op).bias,
              std::get<Dense>(tail.network.nodes[k].op).bias);
  }
}

TEST(OnnxFile, PackedAndPlainAreTheSame) {
  const std::vector<std::byte> packed = read_file(kData + "/mlp.onnx.gz");
  EXPECT_EQ(unpack_gzip("mlp.onnx.gz", packed, 1 << 20), read_file(kData + "/mlp.onnx"));
}

}  // namespace
}  // namespace verissim::network
