// `verissim run`, `train` and `repair` as processes, on a small data set that the test writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/digest.h"
#include "cli/process.h"
#include "experiment/config.h"
#include "experiment/small_inputs.h"

namespace verissim::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Ended;
using ::testing::HasSubstr;
using testing::run_verissim;

class Run : public ::testing::Test {
 protected:
  Run() {
    testing::write_small_mnist(folder_.file("data"), 200, 8);
    image::write_png(folder_.file("reference.png"), bright_above());
    config_ = {{"path", folder_.file("results")},
               {"dimension", {1, 4, 4}},
               {"ri", {{"path", folder_.file("reference.png")}, {"class_idx", 1}}},
               {"model",
                {{"dataset", "MNIST"},
                 {"hidden_layer", {6, 6}},
                 {"path", folder_.file("models")},
                 {"data_path", folder_.file("data")},
                 {"selected_classes", {3, 4}},
                 {"epochs", 20},
                 {"batch_size", 8}}},
               {"minlp", {{"threshold", 0.9}}}};
  }

  // What the data set shows for even labels.
  static image::Image bright_above() {
    image::Image image{{1, 4, 4}, {}};
    for (int i = 0; i < 16; ++i) image.values.push_back(static_cast<float>((i < 8 ? 200 : 80) + i) / 255.0F);
    return image;
  }

  std::string config_file() const {
    write_text_file(folder_.file("config.json"), "// an experiment\n" + config_.dump(2));
    return folder_.file("config.json");
  }

  Ended run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"run", config_file()};
    words.insert(words.end(), more.begin(), more.end());
    return run_verissim(words);
  }

  std::string result(const std::string& name, const std::string& number = "001") const {
    return folder_.file("results/i1x4x4_l6-6_o2_ssim_" + number + "/" + name);
  }

  static bool without_torch(const Ended& ended) {
    return ended.code == 3 && ended.err.find("LibTorch") != std::string::npos;
  }

  testing::TemporaryFolder folder_;
  json config_;
};

TEST_F(Run, PrintsTheSettingsAsUsed) {
  const Ended ended = run({"--print-config"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
  const json used = json::parse(ended.out);
  EXPECT_EQ(used["minlp"]["threshold"], 0.9);
  EXPECT_EQ(used["seed"], 1);
  EXPECT_FALSE(fs::exists(folder_.file("results"))) << "nothing may be started";
}

TEST_F(Run, ListsAllKeys) {
  const Ended ended = run_verissim({"run", "--list-keys"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, experiment::config_reference());
}

TEST_F(Run, TrainsRepairsAndProves) {
  const Ended ended = run();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(ended.code, 20) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("gets class 1."));
  for (const char* name : {"params.json", "exp_logfile.txt", "reference.png", "intermediate_model.pt",
                           "repaired_model.pt", "proof.certificate", "evaluation.json", "report.json"}) {
    EXPECT_TRUE(fs::exists(result(name))) << name;
  }
  const json report = json::parse(read_text_file(result("report.json")));
  EXPECT_EQ(report["verdict"], "robust");
  EXPECT_TRUE(report["finished"]);
  EXPECT_EQ(report["final_network"]["sha256"], sha256_of_file(result("repaired_model.pt")));
  EXPECT_EQ(report["threshold"], "0.9");
  EXPECT_TRUE(report["network"]["trained_in_this_run"]);
  EXPECT_EQ(report["files"].size(), 4U);
  const json evaluation = json::parse(read_text_file(result("evaluation.json")));
  const size_t rounds = report["rounds"].size();
  ASSERT_EQ(evaluation["iterations"].size(), rounds);
  const json& last = evaluation["iterations"][std::to_string(rounds)];
  EXPECT_EQ(last["status"], "robust");
  for (const char* key : {"max_deviation", "stable_relu", "runtime", "accuracy_before", "accuracy_after"}) {
    EXPECT_TRUE(last.contains(key)) << key;
  }
  EXPECT_TRUE(fs::exists(folder_.file("models/model_i1x4x4_l6-6_o2.pt")));
  // The network that was written is what another command proves, too.
  const Ended verify =
      run_verissim({"verify", "--model", result("repaired_model.pt"), "--image",
                    folder_.file("reference.png"), "--class", "1", "--ssim", "0.9", "--dimension", "1,4,4"});
  EXPECT_EQ(verify.code, 20);
  // And what the independent checker accepts.
  const Ended checked =
      testing::Process({VERISSIM_CHECKER, result("proof.certificate"), "--model", result("repaired_model.pt"),
                        "--image", folder_.file("reference.png"), "--class", "1", "--ssim", "0.9",
                        "--dimension", "1,4,4"})
          .wait();
  EXPECT_EQ(checked.code, 20) << checked.out;
}

// The loop and the file's own proof are about float32.
TEST_F(Run, RepairsAndProvesInFloat32) {
  config_["minlp"]["arithmetic"] = "float32";
  const Ended ended = run();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(ended.code, 20) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("gets class 1 in every evaluation by float32."));
  const json report = json::parse(read_text_file(result("report.json")));
  EXPECT_EQ(report["arithmetic"], "float32");
  const auto checked = [&](const std::string& arithmetic) {
    return testing::Process({VERISSIM_CHECKER, result("proof.certificate"), "--model",
                             result("repaired_model.pt"), "--image", folder_.file("reference.png"), "--class",
                             "1", "--ssim", "0.9", "--arithmetic", arithmetic, "--dimension", "1,4,4"})
        .wait()
        .code;
  };
  EXPECT_EQ(checked("float32"), 20);
  EXPECT_EQ(checked("exact"), 1);
  const json verify =
      json::parse(run_verissim({"verify", "--model", result("repaired_model.pt"), "--image",
                                folder_.file("reference.png"), "--class", "1", "--ssim", "0.9", "--dimension",
                                "1,4,4", "--arithmetic", "float32", "--json"})
                      .out);
  EXPECT_EQ(verify["verdict"], "robust");
  EXPECT_EQ(verify["margin_bound"], report["margin_bound"]);
}

TEST_F(Run, RepairsManyReferencesAndTellsEach) {
  config_["ri"] = {{"first", 6}};
  config_["repair"] = {{"unseen", 3}};
  const Ended ended = run();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(ended.code, 20) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("every image whose SSIM to one of 6 references is at least"));
  const json report = json::parse(read_text_file(result("report.json")));
  ASSERT_EQ(report["references"].size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    const json& each = report["references"][i];
    EXPECT_EQ(each["verdict"], "robust");
    EXPECT_EQ(each["threshold"], "0.9");
    EXPECT_THAT(each["path"].get<std::string>(), HasSubstr("test image"));
    EXPECT_EQ(each["certificate"], "proof_00" + std::to_string(i + 1) + ".certificate");
    const std::string image = result(each["file"]);
    const Ended checked = testing::Process({VERISSIM_CHECKER, result(each["certificate"]), "--model",
                                            result("repaired_model.pt"), "--image", image, "--class",
                                            std::to_string(each["class_idx"].get<int>()), "--ssim", "0.9",
                                            "--dimension", "1,4,4"})
                              .wait();
    EXPECT_EQ(checked.code, 20) << checked.out;
  }
  if (!report["repaired"]) return;
  const json& cost = report["cost"];
  EXPECT_EQ(cost["classes"].size(), 2U);
  EXPECT_GT(cost["agreement"], 0.5);
  EXPECT_EQ(cost["unseen_of_same_classes"]["images"], 3);
  EXPECT_EQ(report["candidates"][0]["accuracy"], report["accuracy"]["after"]);
}

TEST_F(Run, RepairTakesReferencesFromACsvFile) {
  network::Network network = network::make_mlp({1, 4, 4}, {6, 6}, 2);
  for (network::Node& node : network.nodes) {
    auto* dense = std::get_if<network::Dense>(&node.op);
    if (dense == nullptr) continue;
    for (size_t i = 0; i < dense->weight.size(); ++i)
      dense->weight[i] = static_cast<double>(i * 7919 % 16) / 16.0 - 0.4375;
  }
  const std::string model = folder_.file("model_i1x4x4_l6-6_o2.pt");
  network::save_model(model, network);
  image::Image below = bright_above();
  std::reverse(below.values.begin(), below.values.end());
  image::write_png(folder_.file("below.png"), below);
  write_text_file(folder_.file("refs.csv"), "path,class_idx,threshold\nreference.png,1,\nbelow.png,0,0.95\n");
  std::vector<std::string> words = {"repair",
                                    "--model",
                                    model,
                                    "--ssim",
                                    "0.9",
                                    "--dataset",
                                    "MNIST",
                                    "--data-path",
                                    folder_.file("data"),
                                    "--classes",
                                    "3,4",
                                    "--out",
                                    folder_.file("out.pt"),
                                    "--json"};
  Ended ended = run_verissim(words);
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err + ended.out, HasSubstr("one of --image, --references and --first is required"));
  words.insert(words.end(), {"--references", folder_.file("refs.csv"), "--method", "penalty"});
  ended = run_verissim(words);
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(ended.code, 20) << ended.out << ended.err;
  const json answer = json::parse(ended.out);
  ASSERT_EQ(answer["references"].size(), 2U);
  EXPECT_EQ(answer["references"][1]["threshold"], "0.95");
  EXPECT_TRUE(answer["references"][0]["verdict_before"] == "not robust" ||
              answer["references"][1]["verdict_before"] == "not robust");
  for (const json& each : answer["references"]) EXPECT_EQ(each["verdict"], "robust");
}

TEST_F(Run, RepairsANetworkWithCounterexamples) {
  // The class is decided by one pixel, and the reference is close to the border.
  network::Network network = network::make_mlp({1, 4, 4}, {6, 6}, 2);
  auto dense = [&](size_t node) -> network::Dense& {
    return std::get<network::Dense>(network.nodes[node].op);
  };
  dense(1).weight[0] = 1.0;
  dense(3).weight[0] = 1.0;
  dense(5).weight[6] = 4.0;
  dense(5).bias[1] = static_cast<float>(-4.0 * bright_above().values[0] + 0.05);
  for (size_t node : {1, 3}) {
    Rng rng(node);
    auto& layer = dense(node);
    for (size_t i = static_cast<size_t>(layer.in); i < layer.weight.size(); ++i) {
      layer.weight[i] = static_cast<float>(0.2 * rng.normal());
    }
  }
  fs::create_directories(folder_.file("models"));
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"), network);
  const Ended ended = run({"--json"});
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  const json report = json::parse(ended.out);
  const json& first = report["rounds"][0];
  EXPECT_EQ(first["verdict"], "not robust");
  EXPECT_TRUE(first["search"]["stable_relus"].is_number_integer());
  ASSERT_FALSE(first["counterexamples"].empty());
  EXPECT_TRUE(fs::exists(result(first["counterexamples"][0]["file"].get<std::string>())));
  EXPECT_TRUE(fs::exists(result("generated_1.png")));
  EXPECT_TRUE(first["counterexamples"][0]["png"]["still_a_counterexample"].is_boolean());
  EXPECT_FALSE(first["repair"].is_null());
  EXPECT_EQ(report["verdict"], "robust") << ended.err;
  EXPECT_TRUE(report["repaired"]);
  EXPECT_FALSE(report["reference_misclassified_before"]);
  EXPECT_EQ(ended.code, 20);
  EXPECT_FALSE(report["network"]["trained_in_this_run"]);
}

TEST_F(Run, ARobustNetworkIsASuccessWithoutLibTorch) {
  network::Network network = network::make_mlp({1, 4, 4}, {6, 6}, 2);
  std::get<network::Dense>(network.nodes[5].op).bias[1] = 1.0;
  fs::create_directories(folder_.file("models"));
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"), network);
  const Ended first = run();
  EXPECT_EQ(first.code, 20) << first.err;
  EXPECT_THAT(first.out, ::testing::StartsWith("Robust from the start: "));
  const Ended second = run({"--json", "--quiet"});
  EXPECT_EQ(second.code, 20);
  EXPECT_EQ(second.err, "");
  const json report = json::parse(second.out);
  EXPECT_FALSE(report["repaired"]);
  EXPECT_THAT(report["folder"].get<std::string>(), ::testing::EndsWith("_002"));
  EXPECT_TRUE(fs::exists(result("repaired_model.pt", "002")));
}

TEST_F(Run, NamesWhatDoesNotFitBeforeAnythingStarts) {
  fs::create_directories(folder_.file("models"));
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"), network::make_mlp({1, 4, 4}, {5}, 2));
  const auto expect = [&](const std::string& part) {
    const Ended ended = run();
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, HasSubstr(part));
    EXPECT_FALSE(fs::exists(folder_.file("results")));
  };
  expect("hidden layers: got [5], wanted [6, 6]");
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"),
                      network::make_mlp({1, 4, 4}, {6, 6}, 3));
  expect("outputs: got 3, wanted 2");
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"),
                      network::make_mlp({1, 3, 3}, {6, 6}, 2));
  expect("model_i1x4x4_l6-6_o2.pt");
  config_["ri"]["path"] = folder_.file("none.png");
  expect("none.png: cannot be opened");
}

TEST_F(Run, TrainingEndsWithUnknownWhenInterrupted) {
  config_["model"]["epochs"] = 1000000;
  testing::Process process(testing::verissim_with({"run", config_file()}));
  for (int i = 0; i < 600 && process.said().find("test images") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  process.send(SIGINT);
  const Ended ended = process.wait();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, ::testing::StartsWith("Unknown: interrupted"));
  const json report = json::parse(read_text_file(result("report.json")));
  EXPECT_EQ(report["verdict"], "unknown");
  EXPECT_EQ(report["reason"], "interrupted");
  EXPECT_FALSE(report["finished"]);
}

TEST_F(Run, RepairEndsWithUnknownWhenInterrupted) {
  network::Network network = network::make_mlp({1, 4, 4}, {6, 6}, 2);  // both classes tie everywhere
  fs::create_directories(folder_.file("models"));
  network::save_model(folder_.file("models/model_i1x4x4_l6-6_o2.pt"), network);
  // Steps far too small for such a margin.
  config_["repair"] = {
      {"method", "penalty"}, {"max_epochs", 1000000}, {"timeout", 0}, {"lr", 1e-9}, {"margin", 1000}};
  testing::Process process(testing::verissim_with({"run", config_file()}));
  for (int i = 0; i < 600 && process.said().find("round 1") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  process.send(SIGINT);
  const Ended ended = process.wait();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, ::testing::StartsWith("Unknown: interrupted"));
  const json report = json::parse(read_text_file(result("report.json")));
  EXPECT_EQ(report["verdict"], "unknown");
  EXPECT_FALSE(report["finished"]);
  EXPECT_EQ(report["reason"], "interrupted");
  EXPECT_EQ(report["accuracy"]["after"], report["accuracy"]["before"]) << "the network kept is the first";
  EXPECT_EQ(report["rounds"][0]["verdict"], "not robust");
  EXPECT_TRUE(report["reference_misclassified_before"]);
  EXPECT_EQ(report["reference_class_before"], 0);
  EXPECT_THAT(ended.out, HasSubstr("the network gave the reference class 0 before"));
  EXPECT_TRUE(fs::exists(result("generated_1.npy")));
  EXPECT_TRUE(fs::exists(result("best_model.pt")));
}

TEST_F(Run, InterruptedTrainIsNoSuccessAndKeepsTheNetwork) {
  const std::string model = folder_.file("partly.pt");
  testing::Process process(
      testing::verissim_with({"train", "--dataset", "MNIST", "--data-path", folder_.file("data"),
                              "--dimension", "1,4,4", "--classes", "3,4", "--hidden", "6", "--epochs",
                              "1000000", "--batch-size", "8", "--out", model, "--json"}));
  for (int i = 0; i < 600 && process.said().find("training: epoch") == std::string::npos; ++i) {
    if (process.said().find("LibTorch") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  process.send(SIGTERM);
  const Ended ended = process.wait();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  EXPECT_EQ(ended.code, 130) << ended.err;
  EXPECT_EQ(json::parse(ended.out)["status"], "stopped");
  EXPECT_TRUE(fs::exists(model));
}

TEST_F(Run, RepairKeepsTheBestNetworkThatItCouldNotProve) {
  const std::string model = folder_.file("model_i1x4x4_l6-6_o2.pt");
  network::save_model(model, network::make_mlp({1, 4, 4}, {6, 6}, 2));  // both classes tie everywhere
  const std::string out = folder_.file("repaired.pt");
  const Ended ended = run_verissim({"repair",
                                    "--model",
                                    model,
                                    "--image",
                                    folder_.file("reference.png"),
                                    "--class",
                                    "1",
                                    "--ssim",
                                    "0.9",
                                    "--dataset",
                                    "MNIST",
                                    "--data-path",
                                    folder_.file("data"),
                                    "--classes",
                                    "3,4",
                                    "--method",
                                    "penalty",
                                    "--max-epochs",
                                    "1",
                                    "--lr",
                                    "1e-9",
                                    "--margin",
                                    "1000",
                                    "--out",
                                    out,
                                    "--json"});
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  EXPECT_EQ(ended.code, 10) << ended.out << ended.err;
  const json answer = json::parse(ended.out);
  EXPECT_TRUE(answer["file"].is_null());
  EXPECT_EQ(answer["unproved_file"], folder_.file("repaired.unproved.pt"));
  EXPECT_TRUE(fs::exists(folder_.file("repaired.unproved.pt")));
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(answer["accuracy_after"], answer["accuracy_before"]) << "the network kept is the first";
  EXPECT_TRUE(answer["reference_misclassified_before"]);
}

TEST_F(Run, ASecondSignalEndsAtOnce) {
  config_["model"]["epochs"] = 1000000;
  config_["model"]["batch_size"] = 1;
  testing::Process process(testing::verissim_with({"run", config_file()}));
  for (int i = 0; i < 600 && process.said().find("test images") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  process.send(SIGTERM);
  process.send(SIGINT);
  const Ended ended = process.wait();
  EXPECT_TRUE(ended.code == 0 || ended.code == 3 || ended.code == 128 + SIGINT || ended.code == 128 + SIGTERM)
      << ended.code;
  if (!fs::exists(result("report.json"))) return;
  EXPECT_TRUE(json::accept(read_text_file(result("report.json"))));
}

// scripts/faults.py does this at random points, and much else.
TEST_F(Run, AnInterruptedRunIsGoneOnWith) {
  config_["model"]["epochs"] = 400;
  testing::Process process(testing::verissim_with({"run", config_file()}));
  for (int i = 0; i < 1200 && !fs::exists(result("report.json")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  process.send(SIGTERM);
  const Ended ended = process.wait();
  if (without_torch(ended)) GTEST_SKIP() << "built without LibTorch";
  if (ended.code == 20) GTEST_SKIP() << "it was over before the signal came";
  ASSERT_EQ(ended.code, 0) << ended.out << ended.err;
  const Ended resumed = run_verissim({"run", "--resume", result("")});
  EXPECT_EQ(resumed.code, 20) << resumed.out << resumed.err;
  EXPECT_FALSE(fs::exists(result("report.json", "002"))) << "it has the folder that it had";
  const Ended whole = run();
  EXPECT_EQ(whole.code, 20);
  EXPECT_EQ(sha256_of_file(result("repaired_model.pt")), sha256_of_file(result("repaired_model.pt", "002")));
  EXPECT_FALSE(fs::exists(result("states")));
  const Ended again = run_verissim({"run", "--resume", result("")});
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.err, HasSubstr("a run that is finished"));
}

TEST_F(Run, OnlyARunCanBeGoneOnWith) {
  const Ended none = run_verissim({"run", "--resume", folder_.file("nowhere")});
  EXPECT_EQ(none.code, 3);
  EXPECT_EQ(std::count(none.err.begin(), none.err.end(), '\n'), 1) << none.err;
  EXPECT_EQ(run({"--resume", folder_.file("nowhere")}).code, 2) << "CONFIG and --resume exclude each other";
}

TEST_F(Run, TrainAndRepairStandAlone) {
  const std::string model = folder_.file("model_i1x4x4_l6_o2.pt");
  const Ended trained = run_verissim({"train", "--dataset", "MNIST", "--data-path", folder_.file("data"),
                                      "--dimension", "1,4,4", "--classes", "3,4", "--hidden", "6", "--epochs",
                                      "30", "--batch-size", "8", "--out", model, "--json"});
  if (without_torch(trained)) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_GT(json::parse(trained.out)["accuracy"].get<double>(), 0.9);
  const std::string repaired = folder_.file("repaired.pt");
  const std::vector<std::string> words = {"repair",
                                          "--model",
                                          model,
                                          "--image",
                                          folder_.file("reference.png"),
                                          "--class",
                                          "1",
                                          "--ssim",
                                          "0.9",
                                          "--dataset",
                                          "MNIST",
                                          "--data-path",
                                          folder_.file("data"),
                                          "--classes",
                                          "3,4",
                                          "--out",
                                          repaired,
                                          "--json"};
  const Ended ended = run_verissim(words);
  ASSERT_EQ(ended.code, 20) << ended.out << ended.err;
  EXPECT_EQ(json::parse(ended.out)["file"], repaired);
  EXPECT_TRUE(fs::exists(repaired));
  EXPECT_FALSE(fs::exists(folder_.file("repaired.unproved.pt")));
  auto wrong = words;
  wrong[14] = "3,4,5";
  const Ended mismatch = run_verissim(wrong);
  EXPECT_EQ(mismatch.code, 3);
  EXPECT_THAT(mismatch.err, HasSubstr("outputs: got 2, wanted 3"));
}

TEST_F(Run, TrainAndRepairRefuseAnUnsuitableOutputBeforeAnyWork) {
  fs::create_directories(folder_.file("folder.pt"));
  const std::string model = folder_.file("model_i1x4x4_l6_o2.pt");
  network::save_model(model, network::make_mlp({1, 4, 4}, {6}, 2));
  const auto expect = [&](const std::string& out, const std::string& part) {
    const std::vector<std::string> data = {"--dataset", "MNIST", "--data-path", folder_.file("data"),
                                           "--classes", "3,4",   "--out",       out};
    std::vector<std::string> train = {"train", "--dimension", "1,4,4", "--hidden", "6"};
    std::vector<std::string> repair = {
        "repair",  "--model", model,    "--image", folder_.file("reference.png"),
        "--class", "1",       "--ssim", "0.9"};
    for (std::vector<std::string>* words : {&train, &repair}) {
      words->insert(words->end(), data.begin(), data.end());
      const Ended ended = run_verissim(*words);
      EXPECT_EQ(ended.code, 3);
      EXPECT_THAT(ended.err, HasSubstr("cannot be written: got " + part));
      EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    }
  };
  expect(folder_.file("folder.pt"), "a folder");
  expect(folder_.file("none/x.pt"), "No such file or directory");
  expect("/dev/null/x.pt", "Not a directory");
  expect(folder_.file("x.onnx"), "'.onnx', wanted a name that ends in .pt");
}

}  // namespace
}  // namespace verissim::cli
