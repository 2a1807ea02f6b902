#include "network/model_cases.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "network/evaluate.h"

namespace verissim::network {
namespace {

Shape read_shape(const nlohmann::json& json) {
  if (!json.is_array()) return {};
  return {json[0].get<int64_t>(), json[1].get<int64_t>(), json[2].get<int64_t>()};
}

void expect_near(const ModelCase& model_case, const std::vector<double>& got,
                 const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(got.size(), wanted.size()) << model_case.path;
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << model_case.path;
  }
}

void expect_outputs(const ModelCase& model_case, const Network& network) {
  for (size_t k = 0; k < model_case.inputs.size(); ++k) {
    const std::vector<double> got = evaluate(network, model_case.inputs[k]);
    expect_near(model_case, got, model_case.outputs[k], model_case.tolerance);
    if (!model_case.float_outputs.empty()) expect_near(model_case, got, model_case.float_outputs[k], 1e-4);
  }
}

}  // namespace

std::vector<ModelCase> read_model_cases(const std::string& folder, const std::string& list) {
  const nlohmann::json json = nlohmann::json::parse(std::ifstream(folder + "/" + list));
  std::vector<ModelCase> cases;
  for (const auto& entry : json.at("cases")) {
    ModelCase model_case;
    model_case.path = (std::filesystem::path(folder) / entry.at("file").get<std::string>()).string();
    model_case.shape = read_shape(entry.at("shape"));
    model_case.give_shape = entry.at("give_shape").get<bool>();
    model_case.error = entry.value("error", "");
    if (model_case.error.empty()) {
      entry.at("format").get_to(model_case.format);
      entry.at("inputs").get_to(model_case.inputs);
      entry.at("outputs").get_to(model_case.outputs);
      model_case.float_outputs = entry.value("float_outputs", model_case.float_outputs);
      model_case.writable = entry.value("writable", true);
      model_case.tolerance = entry.value("tolerance", model_case.tolerance);
    }
    cases.push_back(model_case);
  }
  return cases;
}

LoadedModel load_case(const ModelCase& model_case) {
  return load_model(model_case.path, model_case.give_shape ? std::optional(model_case.shape) : std::nullopt);
}

void expect_as_meant(const ModelCase& model_case) {
  try {
    const LoadedModel model = load_case(model_case);
    EXPECT_EQ(model_case.error, "") << model_case.path << " was read";
    if (!model_case.error.empty()) return;
    EXPECT_EQ(model.format, model_case.format) << model_case.path;
    EXPECT_EQ(model.network.input, model_case.shape) << model_case.path;
    EXPECT_EQ(model.digest.size(), 64U);
    expect_outputs(model_case, model.network);
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_FALSE(model_case.error.empty()) << message;
    EXPECT_NE(message.find(model_case.error), std::string::npos)
        << message << "\nwanted: " << model_case.error;
    EXPECT_TRUE(message.starts_with(model_case.path + ": ")) << message;
  }
}

}  // namespace verissim::network
