#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/arguments.h"
#include "cli/process.h"
#include "experiment/small_inputs.h"
#include "image/npy.h"
#include "image/read_image.h"
#include "similarity/ssim.h"

namespace verissim::cli {
namespace {

using nlohmann::json;
using testing::Ended;
using ::testing::HasSubstr;
using testing::run_verissim;
using testing::small_network;

// A network and an image in a folder of their own.
class Cli : public ::testing::Test {
 protected:
  Cli() { image::write_png(image_, testing::small_image()); }

  std::vector<std::string> question(const std::string& command, const network::Network& network,
                                    const std::string& tau) const {
    network::save_model(model_, network);
    return {command, "--model", model_, "--image", image_, "--class", "0", "--ssim", tau};
  }

  Ended ask(const std::string& command, const network::Network& network, const std::string& tau,
            const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = question(command, network, tau);
    words.insert(words.end(), more.begin(), more.end());
    return run_verissim(words);
  }

  testing::TemporaryFolder folder_;
  std::string model_ = folder_.file("model_i1x4x4_l3_o3.pt");
  std::string image_ = folder_.file("image.png");
};

// One line on standard error that starts with the program's name, and nothing else anywhere.
void expect_message(const Ended& ended, int code, const std::string& part) {
  EXPECT_EQ(ended.code, code);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, ::testing::StartsWith("verissim: "));
  EXPECT_THAT(ended.err, HasSubstr(part));
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
}

TEST_F(Cli, HelpNamesEveryOptionAndAnExample) {
  const Ended all = run_verissim({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const Command& command : commands()) {
    EXPECT_THAT(all.out, HasSubstr("  " + std::string(command.word) + " "));
    const Ended ended = run_verissim({std::string(command.word), "--help"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err, "");
    EXPECT_THAT(ended.out, HasSubstr("Example:\n  " + std::string(command.example)));
    for (const Option& option : command.options) {
      EXPECT_THAT(ended.out, HasSubstr(std::string(option.names.substr(0, option.names.find(',')))));
    }
  }
}

TEST_F(Cli, VersionTellsTheBuild) {
  const Ended ended = run_verissim({"--version"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, ::testing::StartsWith("verissim "));
  EXPECT_THAT(ended.out, HasSubstr("build type"));
}

TEST_F(Cli, UsageErrorsEndWithTwo) {
  const auto expect = [](const std::vector<std::string>& words, const std::string& part) {
    expect_message(run_verissim(words), 2, part);
  };
  expect({}, "subcommand is required");
  expect({"prove"}, "'prove' is no command; the commands are run verify");
  expect({"run"}, "CONFIG is required");
  expect({"verify", "--model", "m"}, "is required");
  const std::vector<std::string> good = {"verify",  "--model", "m",      "--image", "i",
                                         "--class", "0",       "--ssim", "0.9"};
  const auto with = [&](const std::string& name, const std::string& value) {
    auto words = good;
    words.insert(words.end(), {name, value});
    return words;
  };
  expect(with("--epochs", "3"), "'--epochs' is no option of verify");
  expect(with("--treads", "3"), "'--treads' is no option of verify; did you mean --threads?");
  expect(with("--treads=3", "3"), "'--treads' is no option of verify; did you mean --threads?");
  expect({"verify", "--modle", "m"}, "'--modle' is no option of verify; did you mean --model?");
  expect({"info", "m", "more"}, "more");
  expect(with("--threads", "many"), "--threads: got the text 'many', wanted an integer from 0 to 4096");
  expect(with("--tolerance", "99"), "--tolerance: got the number 99, wanted an integer from 0 to 15");
  expect(with("--dimension", "1,4"), "--dimension: got [1, 4], wanted a list [channels, height, width]");
  expect({"verify", "--model", "m", "--image", "i", "--class", "0", "--ssim", "1.01"},
         "--ssim: got the number 1.01, wanted a number above 0 and at most 1");
  expect({"verify", "--model", "m", "--image", "i", "--class", "-1", "--ssim", "0.9"},
         "--class: got the number -1");
  expect({"verify", "--model", "m", "--image", "i", "--class", "x", "--ssim", "0.9"},
         "--class: got the text 'x'");
  const std::vector<std::string> open = {"verify", "--model", "m", "--image", "i", "--class", "0"};
  const auto near = [&](const std::vector<std::string>& more) {
    auto words = open;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect(near({}), "one of --ssim, --linf and --l2 is required");
  expect(near({"--ssim", "0.9", "--l2", "0.1"}), "--ssim and --l2 exclude each other");
  expect(near({"--linf", "0.1", "--l2", "0.1"}), "--linf and --l2 exclude each other");
  expect(near({"--l2", "0.1", "--channels", "mean"}), "--channels mean and --l2 exclude each other");
  expect(near({"--linf", "-0.1"}), "--linf: got the number -0.1, wanted a number from 0 to 1000000");
  expect(near({"--ssim", "0"}), "--ssim: got the number 0, wanted a number above 0 and at most 1");
  expect(near({"--ssim", "-1"}), "--ssim: got the number -1, wanted a number above 0 and at most 1");
  expect(near({"--ssim", "98%"}), "--ssim: got the text '98%', wanted a number above 0 and at most 1");
  expect(near({"--ssim", "0.9", "--channels", "both"}), "--channels: got the text 'both', wanted one of");
  expect({"train", "--dataset", "CIFAR", "--dimension", "1,4,4", "--hidden", "6", "--out", "x.pt"},
         "--dataset: got the text 'CIFAR', wanted one of");
  expect({"attack", "--model", "m", "--image", "i", "--class", "0", "--ssim", "0.9", "--restarts", "-3"},
         "--restarts: got '-3', wanted an integer from 0");
  const auto threshold = [](const std::string& name, const std::string& value) {
    return std::vector<std::string>{"threshold", "--model", "m", "--image", "i", "--class", "0", name, value};
  };
  expect(threshold("--gap", "0"), "--gap: got the number 0, wanted a number from 0.001 to 1");
  expect(threshold("--gap", "much"), "--gap: got 'much', wanted a decimal number");
  expect(threshold("--measure", "l1"), "--measure: got the text 'l1', wanted one of");
  expect(threshold("--ssim", "0.9"), "--ssim");
  auto averaged = threshold("--channels", "mean");
  averaged.insert(averaged.end(), {"--measure", "l2"});
  expect(averaged, "--channels mean and --measure l2 exclude each other");
}

TEST_F(Cli, BadInputEndsWithThree) {
  expect_message(run_verissim({"info", folder_.file("none.pt")}), 3, "none.pt: cannot be opened");
  expect_message(run_verissim({"info", image_}), 3, image_);
  expect_message(run_verissim({"run", folder_.file("none.json")}), 3, "none.json: cannot be opened");
  expect_message(run_verissim({"ssim", image_, folder_.file("none.png")}), 3, "none.png: cannot be opened");
  expect_message(run_verissim({"ssim", image_, image_, "--convention", "mine"}), 3, "mine");
  const auto network = small_network(1.0, 1.0);
  network::save_model(model_, network);
  expect_message(
      run_verissim({"verify", "--model", model_, "--image", image_, "--class", "3", "--ssim", "0.9"}), 3,
      "class: got 3, wanted a number from 0 to 2");
  expect_message(ask("verify", network, "0.9", {"--dimension", "1,5,5"}), 3, model_);
  expect_message(ask("verify", network, "0.9", {"--out", folder_.file("x.jpg")}), 3, ".npy or .png");
  write_text_file(folder_.file("bad.json"), "{\"dimensions\": [1, 4, 4]}");
  expect_message(run_verissim({"run", folder_.file("bad.json")}), 3,
                 "dimensions: this key is not known; did you mean dimension?");
}

TEST_F(Cli, VerifyProvesARobustNetwork) {
  const Ended ended = ask("verify", small_network(1.0, 0.5), "0.98");
  EXPECT_EQ(ended.code, 20);
  EXPECT_THAT(ended.out, ::testing::StartsWith("Robust: every image whose SSIM to " + image_ +
                                               " is at least 0.98 gets class 0.\n"));
  EXPECT_EQ(ended.err, "");
  const Ended as_json = ask("verify", small_network(1.0, 0.5), "0.98", {"--json"});
  EXPECT_EQ(as_json.code, 20);
  const json answer = json::parse(as_json.out);
  EXPECT_EQ(answer["verdict"], "robust");
  EXPECT_EQ(answer["threshold"], "0.98");
  EXPECT_TRUE(answer["counterexample"].is_null());
  EXPECT_TRUE(answer["ssim"].is_null());
  EXPECT_GT(answer["margin_bound"].get<double>(), 0.0);
  EXPECT_LT(answer["margin_bound"].get<double>(), 1.0);
  EXPECT_GT(answer["margin_seen"].get<double>(), 0.0);
  EXPECT_GE(answer["nodes"].get<int>(), 0);
  EXPECT_GE(answer["seconds"].get<double>(), 0.0);
}

TEST_F(Cli, ACheckpointIsKeptUntilTheVerdictIsPrinted) {
  const std::string checkpoint = folder_.file("a.checkpoint");
  write_text_file(checkpoint, "of before");
  std::string line;
  for (const std::string& word : testing::verissim_with(question("verify", small_network(1.0, 0.5), "0.98")))
    line += "'" + word + "' ";
  line += "--checkpoint '" + checkpoint + "'";
  const Ended lost = testing::Process({"/bin/sh", "-c", line + " > /dev/full"}).wait();
  EXPECT_EQ(lost.code, 3);
  EXPECT_THAT(lost.err, HasSubstr("standard output cannot be written"));
  EXPECT_TRUE(std::filesystem::exists(checkpoint));
  EXPECT_EQ(testing::Process({"/bin/sh", "-c", line}).wait().code, 20);
  EXPECT_FALSE(std::filesystem::exists(checkpoint));
}

TEST_F(Cli, VerifyRefutesWithACounterexample) {
  const std::string out = folder_.file("found.npy");
  const Ended ended = ask("verify", small_network(0.01, 5.0), "0.98", {"--json", "--out", out});
  EXPECT_EQ(ended.code, 10);
  const json answer = json::parse(ended.out);
  EXPECT_EQ(answer["verdict"], "not robust");
  EXPECT_LE(answer["margin_bound"].get<double>(), 0.0);
  const auto values = answer["counterexample"].get<std::vector<double>>();
  ASSERT_EQ(values.size(), 16U);
  const auto reference = image::load_values(image_, {1, 4, 4});
  EXPECT_NEAR(similarity::global_ssim(values, reference), answer["ssim"].get<double>(), 1e-12);
  EXPECT_GE(answer["ssim"].get<double>(), 0.98 - 1e-12);
  EXPECT_LE(values[0], reference[0] - 0.01 / 5.0 + 1e-9);
  EXPECT_EQ(image::load_values(out, {1, 4, 4}), values);
  const Ended text = ask("verify", small_network(0.01, 5.0), "0.98");
  EXPECT_EQ(text.code, 10);
  EXPECT_THAT(text.out, ::testing::StartsWith("Not robust: an image with SSIM 0.9"));
  EXPECT_THAT(text.out,
              ::testing::AnyOf(HasSubstr("still a counterexample"), HasSubstr("no longer a counterexample")));
}

TEST_F(Cli, VerifyNamesAMisclassifiedReference) {
  const Ended ended = ask("verify", small_network(-0.5, 0.0), "0.98");
  EXPECT_EQ(ended.code, 10);
  EXPECT_THAT(ended.out, ::testing::StartsWith("Not robust: " + image_ + " itself gets class "));
  const json answer = json::parse(ask("verify", small_network(-0.5, 0.0), "0.98", {"--json"}).out);
  EXPECT_EQ(answer["ssim"], 1.0);
}

// The small network is lost as soon as the first value falls by 0.002.
TEST_F(Cli, VerifyAndAttackKnowDistances) {
  std::vector<std::string> words = question("verify", small_network(0.01, 5.0), "");
  words.pop_back();
  words.pop_back();
  const auto with = [&](const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> all = words;
    all.front() = command;
    all.insert(all.end(), more.begin(), more.end());
    return run_verissim(all);
  };
  for (const std::string name : {"l2", "linf"}) {
    const std::string title = name == "l2" ? "L2 distance" : "L-infinity distance";
    const Ended robust = with("verify", {"--" + name, "0.001"});
    EXPECT_EQ(robust.code, 20);
    EXPECT_THAT(robust.out, ::testing::StartsWith("Robust: every image at an " + title +
                                                  " of at most 0.001 from " + image_ + " gets class 0.\n"));
    for (const std::string command : {"verify", "attack"}) {
      const Ended refuted = with(command, {"--" + name, "0.1"});
      EXPECT_EQ(refuted.code, 10);
      EXPECT_THAT(refuted.out, ::testing::StartsWith("Not robust: an image at " + title + " 0."));
    }
    const json answer = json::parse(with("verify", {"--" + name, "0.1", "--json"}).out);
    EXPECT_EQ(answer["measure"], name);
    EXPECT_EQ(answer["threshold"], "0.1");
    EXPECT_GT(answer["distance"].get<double>(), 0.0019);
    EXPECT_LE(answer["distance"].get<double>(), 0.1);
  }
  const json answer = json::parse(with("verify", {"--ssim", "0.98", "--channels", "mean", "--json"}).out);
  EXPECT_EQ(answer["convention"], "global-per-channel");
  EXPECT_EQ(answer["verdict"], "not robust");
}

// A fall by 0.002 is less than a grey level.
TEST_F(Cli, AsksAboutImagesOfEightBits) {
  std::vector<std::string> words = question("verify", small_network(0.01, 5.0), "");
  words.pop_back();
  words.pop_back();
  const auto with = [&](const std::string& command, const std::string& radius, bool as_json) {
    std::vector<std::string> all = words;
    all.front() = command;
    all.insert(all.end(), {"--eight-bit", "--linf", radius});
    if (as_json) all.emplace_back("--json");
    return run_verissim(all);
  };
  const json found = json::parse(with("verify", "0.004", true).out);
  EXPECT_EQ(found["verdict"], "not robust");
  EXPECT_EQ(found["eight_bit"], true);
  EXPECT_EQ(found["rounded_is_counterexample"], true);
  EXPECT_THAT(with("attack", "0.004", false).out,
              ::testing::StartsWith("Not robust: an image of 8 bits at "));
  const Ended open = with("verify", "0.003", false);
  EXPECT_EQ(open.code, 0);
  EXPECT_THAT(open.out,
              ::testing::StartsWith("Unknown: there is a counterexample, but none was found that is an "
                                    "image of 8 bits; whether every image of 8 bits at an "));
  EXPECT_THAT(with("attack", "0.003", false).out,
              ::testing::StartsWith("There is a counterexample, but none"));
  const Ended robust = with("verify", "0.001", false);
  EXPECT_EQ(robust.code, 20);
  EXPECT_THAT(robust.out, ::testing::StartsWith("Robust: every image of 8 bits at an "));
}

TEST_F(Cli, AsksAboutFloat32) {
  std::vector<std::string> words = question("verify", small_network(0.01, 5.0), "");
  words.pop_back();
  words.pop_back();
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--arithmetic", "float32"});
    all.insert(all.end(), more.begin(), more.end());
    return run_verissim(all);
  };
  const Ended robust = with({"--linf", "0.001"});
  EXPECT_EQ(robust.code, 20);
  EXPECT_THAT(robust.out, HasSubstr(" gets class 0 in every evaluation by float32."));
  const json found = json::parse(with({"--linf", "0.004", "--json"}).out);
  EXPECT_EQ(found["verdict"], "not robust");
  EXPECT_EQ(found["arithmetic"], "float32");
  for (const double value : found["counterexample"].get<std::vector<double>>())
    EXPECT_EQ(value, static_cast<double>(static_cast<float>(value)));
  const Ended certified = with({"--ssim", "0.9999", "--certificate", folder_.file("proof")});
  EXPECT_EQ(certified.code, 10);
  EXPECT_THAT(certified.out, HasSubstr("certificate  " + folder_.file("proof")));
}

// Two scores that are always the same number, which only exact arithmetic sees.
TEST_F(Cli, ATieIsRefutedWithoutACertificate) {
  network::Network network = small_network(1.0, 0.5);
  auto& head = std::get<network::Dense>(network.nodes.back().op);
  std::copy_n(head.weight.begin(), head.in, head.weight.begin() + head.in);
  head.bias[0] = head.bias[1] = 0.25;
  const Ended ended = ask("verify", network, "0.98", {"--certificate", folder_.file("proof")});
  EXPECT_EQ(ended.code, 10);
  EXPECT_THAT(ended.out,
              HasSubstr("none was written: the scores at the counterexample lie too close together"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("proof")));
}

TEST_F(Cli, ThresholdIsProvedAndRefuted) {
  network::save_model(model_, small_network(0.01, 5.0));
  const std::string out = folder_.file("closest.npy");
  std::vector<std::string> words = {"threshold", "--model", model_,  "--image", image_,
                                    "--class",   "0",       "--out", out};
  const Ended text = run_verissim(words);
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out,
              ::testing::StartsWith("Robust: every image whose SSIM to " + image_ + " is at least 0.9"));
  EXPECT_THAT(text.out, HasSubstr(" Not robust: an image with SSIM 0.9"));
  EXPECT_THAT(text.out, HasSubstr("(narrow enough)"));
  words.emplace_back("--json");
  const json answer = json::parse(run_verissim(words).out);
  const auto verdict = [&](const std::string& limit) {
    return ask("verify", small_network(0.01, 5.0), answer[limit].get<std::string>()).code;
  };
  EXPECT_EQ(verdict("proved_at"), 20);
  EXPECT_EQ(verdict("refuted_at"), 10);
  EXPECT_EQ(image::load_values(out, {1, 4, 4}), answer["counterexample"].get<std::vector<double>>());
  EXPECT_GE(answer["ssim"].get<double>(), std::stod(answer["refuted_at"].get<std::string>()) - 1e-12);
  EXPECT_LE(answer["margin"].get<double>(), 0.0);
  EXPECT_GE(answer["seconds"].get<double>(), 0.0);
  EXPECT_EQ(answer["reason"], "narrow enough");
}

TEST_F(Cli, ThresholdOfADistance) {
  network::save_model(model_, small_network(0.01, 5.0));
  const std::vector<std::string> words = {"threshold", "--model", model_,  "--image",   image_, "--class",
                                          "0",         "--gap",   "0.005", "--measure", "linf", "--json"};
  const json answer = json::parse(run_verissim(words).out);
  EXPECT_EQ(answer["measure"], "linf");
  EXPECT_NEAR(std::stod(answer["proved_at"].get<std::string>()), 0.002, 1.1e-5);
  EXPECT_NEAR(std::stod(answer["refuted_at"].get<std::string>()), 0.002, 1.1e-5);
  EXPECT_NEAR(answer["distance"].get<double>(), 0.002, 1.1e-5);
}

TEST_F(Cli, ThresholdOfWhatAlwaysOrNeverHolds) {
  const std::vector<std::string> words = {"threshold", "--model", model_, "--image", image_, "--class", "0"};
  network::save_model(model_, small_network(1.0, 0.0));
  const Ended always = run_verissim(words);
  EXPECT_EQ(always.code, 0);
  EXPECT_THAT(always.out, ::testing::StartsWith("Robust: every image whose SSIM to " + image_ +
                                                " is at least 0.001 gets class 0.\n"));
  network::save_model(model_, small_network(-1.0, 0.0));
  const Ended never = run_verissim(words);
  EXPECT_EQ(never.code, 10);
  EXPECT_THAT(never.out, ::testing::StartsWith("Not robust: " + image_ + " itself gets class "));
  EXPECT_THAT(never.out, HasSubstr("none: the reference image itself is misclassified"));
}

TEST_F(Cli, ANetworkWithOneOutputIsRefused) {
  const auto network = network::make_mlp({1, 4, 4}, {3}, 1);
  for (const char* command : {"verify", "attack"})
    expect_message(ask(command, network, "0.9"), 3, "network: got one output, wanted at least two");
}

TEST_F(Cli, ATieIsACounterexample) {
  const Ended ended = ask("verify", small_network(0.0, 0.0), "0.98");
  EXPECT_EQ(ended.code, 10);
  EXPECT_THAT(ended.out, HasSubstr("just as much as 0"));
}

TEST_F(Cli, AttackFindsOrSaysThatItProvesNothing) {
  const Ended found = ask("attack", small_network(0.01, 5.0), "0.98", {"--json"});
  EXPECT_EQ(found.code, 10);
  EXPECT_FALSE(json::parse(found.out)["counterexamples"].empty());
  const Ended none = ask("attack", small_network(1.0, 0.5), "0.98");
  EXPECT_EQ(none.code, 0);
  EXPECT_THAT(none.out, HasSubstr("proves nothing"));
}

TEST_F(Cli, SsimPrintsOneOrAllConventions) {
  const std::string other = folder_.file("other.png");
  image::Image changed = testing::small_image();
  changed.values[3] = 0.5F;
  image::write_png(other, changed);
  const double expected =
      similarity::ssim(image::load_image(image_, {1, 4, 4}), image::load_image(other, {1, 4, 4}),
                       similarity::Convention::kGlobal);
  const Ended one = run_verissim({"ssim", image_, other, "--convention", "global"});
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(std::stod(one.out), expected);
  const json all = json::parse(run_verissim({"ssim", image_, other, "--json"}).out);
  EXPECT_EQ(all["global"], expected);
  EXPECT_TRUE(all["wang"].is_null()) << "4x4 is smaller than the window";
  EXPECT_THAT(run_verissim({"ssim", image_, other}).out, HasSubstr("(too small)"));
  image::write_npy(folder_.file("large.npy"), std::vector<double>(25, 0.5), std::vector<int64_t>{1, 5, 5});
  expect_message(run_verissim({"ssim", image_, folder_.file("large.npy")}), 3, "got 1x5x5, wanted 1x4x4");
}

TEST_F(Cli, InfoTellsWhatAModelHolds) {
  network::save_model(model_, small_network(1.0, 0.5));
  const Ended ended = run_verissim({"info", model_, "--json"});
  EXPECT_EQ(ended.code, 0);
  const json info = json::parse(ended.out);
  EXPECT_EQ(info["dimension"], (json{1, 4, 4}));
  EXPECT_EQ(info["hidden_layer"], json::array({3}));
  EXPECT_EQ(info["outputs"], 3);
  const std::string plain = folder_.file("plain.pt");
  network::save_model(plain, small_network(1.0, 0.5));
  EXPECT_TRUE(json::parse(run_verissim({"info", plain, "--json"}).out)["dimension"].is_null());
  const Ended given = run_verissim({"info", plain, "--json", "--dimension", "1,2,8"});
  EXPECT_EQ(json::parse(given.out)["dimension"], (json{1, 2, 8}));
  EXPECT_THAT(run_verissim({"info", model_}).out, HasSubstr("1x4x4 -> 3 -> 3 classes, 3 ReLUs"));
}

TEST_F(Cli, AModelOfUnknownShapeTakesTheImagesOrAsks) {
  const std::string plain = folder_.file("plain.pt");
  network::save_model(plain, small_network(1.0, 0.5));
  const auto ask_plain = [&](const std::string& image, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"verify",  "--model", plain,    "--image", image,
                                      "--class", "0",       "--ssim", "0.99"};
    words.insert(words.end(), more.begin(), more.end());
    return run_verissim(words);
  };
  EXPECT_EQ(ask_plain(image_, {}).code, 20);
  image::Image large{{1, 8, 8}, std::vector<float>(64, 0.25F)};
  large.values[5] = 1.0F;
  image::write_png(folder_.file("large.png"), large);
  expect_message(ask_plain(folder_.file("large.png"), {}), 3, "--dimension C,H,W");
  EXPECT_NE(ask_plain(folder_.file("large.png"), {"--dimension", "1,4,4"}).code, 3);
}

class HardQuestion : public Cli {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more) {
    image::write_png(image_, testing::hard_image());
    network::save_model(wide_, testing::hard_network());
    std::vector<std::string> result = {"verify",  "--model", wide_,    "--image", image_,
                                       "--class", "0",       "--ssim", "0.8"};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }

  std::string wide_ = folder_.file("model_i1x12x12_l120-120-120_o5.pt");
};

TEST_F(HardQuestion, EndsAtTheTimeLimit) {
  const Ended ended = run_verissim(words({"--timeout", "0.3", "--json"}));
  EXPECT_EQ(ended.code, 0);
  const json answer = json::parse(ended.out);
  EXPECT_EQ(answer["verdict"], "unknown");
  EXPECT_THAT(answer["reason"].get<std::string>(), HasSubstr("time limit"));
  EXPECT_TRUE(answer["counterexample"].is_null());
}

TEST_F(HardQuestion, EndsWithUnknownWhenInterrupted) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    testing::Process process(testing::verissim_with(words({"--json"})));
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    process.send(signal);
    const Ended ended = process.wait();
    EXPECT_EQ(ended.code, 0);
    const json answer = json::parse(ended.out);
    EXPECT_EQ(answer["verdict"], "unknown");
    EXPECT_THAT(answer["reason"].get<std::string>(), HasSubstr("interrupted"));
  }
}

TEST_F(HardQuestion, ThresholdTellsWhatWasShownWhenInterrupted) {
  words({});
  testing::Process process(testing::verissim_with(
      {"threshold", "--model", wide_, "--image", image_, "--class", "0", "--gap", "0.001", "--json"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  process.send(SIGINT);
  const Ended ended = process.wait();
  EXPECT_EQ(ended.code, 0);
  const json answer = json::parse(ended.out);
  EXPECT_EQ(answer["reason"], "interrupted");
  EXPECT_TRUE(answer["proved_at"].is_null() || answer["proved_at"].is_string());
  EXPECT_EQ(answer["refuted_at"].is_null(), answer["counterexample"].is_null());
}

TEST_F(HardQuestion, GoesOnWhenNobodyReadsTheProgress) {
  std::string command;
  for (const std::string& word : testing::verissim_with(words({"--timeout", "1", "--json"})))
    command += "'" + word + "' ";
  const std::string out = folder_.file("answer.json");
  const std::string pipe = "{ " + command + "2>&1 >'" + out + "'; echo $? >'" + out + ".code'; } | true";
  EXPECT_EQ(testing::Process({"/bin/sh", "-c", pipe}).wait().code, 0);
  EXPECT_EQ(read_text_file(out + ".code"), "0\n");
  EXPECT_EQ(json::parse(read_text_file(out))["verdict"], "unknown");
}

TEST_F(HardQuestion, QuietSaysNothingOnStandardError) {
  EXPECT_NE(run_verissim(words({"--timeout", "1"})).err, "");
  EXPECT_EQ(run_verissim(words({"--timeout", "1", "--quiet"})).err, "");
}

}  // namespace
}  // namespace verissim::cli
