// Against the real PyTorch, in the interpreter that the environment variable VERISSIM_PYTHON names.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "network/describe.h"
#include "network/evaluate.h"
#include "network/model_cases.h"

namespace verissim::network {
namespace {

// Runs pytorch_files.py; its output and whether it succeeded.
std::pair<std::string, bool> run_script(const std::string& command, const std::string& folder) {
  std::string line;
  for (const std::string& word :
       {std::string(std::getenv("VERISSIM_PYTHON")),
        std::string(VERISSIM_SOURCE_DIR "/tests/network/pytorch_files.py"), command, folder}) {
    line.append("'").append(word).append("' ");
  }
  line.append("2>&1");
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) return {"the shell cannot be started", false};
  std::string output;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  return {output, pclose(pipe) == 0};
}

class Pytorch : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::getenv("VERISSIM_PYTHON") == nullptr) return;
    temporary_.emplace();
    folder_ = temporary_->path();
    const auto [output, made] = run_script("make", folder_);
    ASSERT_TRUE(made) << output;
    std::fputs(output.c_str(), stdout);
    cases_ = read_model_cases(folder_);
  }
  static void TearDownTestSuite() { temporary_.reset(); }
  void SetUp() override {
    if (std::getenv("VERISSIM_PYTHON") == nullptr) {
      GTEST_SKIP() << "VERISSIM_PYTHON names no Python interpreter with PyTorch";
    }
    ASSERT_FALSE(cases_.empty());
  }

  static std::optional<testing::TemporaryFolder> temporary_;
  static std::string folder_;
  static std::vector<ModelCase> cases_;
};

std::optional<testing::TemporaryFolder> Pytorch::temporary_;
std::string Pytorch::folder_;
std::vector<ModelCase> Pytorch::cases_;

TEST_F(Pytorch, FilesAreReadAsPytorchMeansThem) {
  size_t good = 0;
  for (const ModelCase& model_case : cases_) {
    expect_as_meant(model_case);
    good += model_case.error.empty() ? 1 : 0;
  }
  EXPECT_GE(good, 105U);
  EXPECT_GE(cases_.size() - good, 50U);
}

// Every readable file is written back twice, as PyTorch's and as a safetensors file, and both are compared
// with the original by PyTorch: the same keys, dtypes and bits.
TEST_F(Pytorch, WrittenFilesEqualTheOriginals) {
  nlohmann::json listed{{"pairs", nlohmann::json::array()}, {"strict", nlohmann::json::array()}};
  for (const ModelCase& model_case : cases_) {
    if (!model_case.error.empty() || model_case.format == "TorchScript")
      continue;  // its keys are not a module's
    const LoadedModel model = load_case(model_case);
    const std::string stem =
        folder_ + "/written_" + std::filesystem::path(model_case.path).filename().string();
    if (!model_case.writable) {
      EXPECT_THROW(save_model(stem + ".pt", model.network, model.layout), InputError) << stem;
      continue;
    }
    for (const std::string extension : {".pt", ".safetensors"}) {
      save_model(stem + extension, model.network, model.layout);
      listed["pairs"].push_back({model_case.path, stem + extension});
    }
  }
  const LoadedModel original = load_model(folder_ + "/model_i1x4x4_l6-6-6_o5.pt");
  save_model(folder_ + "/default_keys.pt", original.network);
  save_model(folder_ + "/new.pt", make_mlp({1, 4, 4}, {6, 6, 6}, 5));
  listed["strict"] = {folder_ + "/default_keys.pt", folder_ + "/new.pt",
                      folder_ + "/written_model_i1x4x4_l6-6-6_o5.pt.pt"};
  std::ofstream(folder_ + "/written.json") << listed;
  const auto [output, equal] = run_script("check", folder_);
  EXPECT_TRUE(equal) << output;
  EXPECT_EQ(output, std::to_string(listed["pairs"].size()) + " pairs, 3 strict\n");
}

}  // namespace
}  // namespace verissim::network
