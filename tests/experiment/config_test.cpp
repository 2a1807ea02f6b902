#include "experiment/config.h"
#include "experiment/neighbourhood.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "experiment/config_keys.h"

namespace verissim::experiment {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kOriginal = R"({
  "path": "results",            // folder for results
  "dimension": [1, 4, 4],
  "ri": {"path": "ri/3.png", "class_idx": 1},
  "model": {"dataset": "MNIST", "hidden_layer": [6, 6, 6], "load_model": true, "path": "models",
            "data_path": "data", "selected_classes": [1, 3, 5, 7, 9], "epochs": 50, "batch_size": 64},
  /* the search */
  "minlp": {"distance": "ssim", "threshold": 0.98, "timeout": 86400, "tolerance": 6},
  "repair": {"batch_size": 32, "lr": 0.001, "penalty_increase": 1.5}
})";

json original() { return json::parse(kOriginal, nullptr, true, true); }

std::string message_for(const std::string& text) {
  try {
    parse_config(text, "my.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// The message when one key of the original's config has another value.
std::string message_with(const std::string& pointer, const json& value) {
  json config = original();
  config[json::json_pointer(pointer)] = value;
  return message_for(config.dump());
}

TEST(Config, ReadsTheOriginalsFile) {
  const Config config = parse_config(kOriginal, "my.json");
  EXPECT_EQ(config.dimension, (Shape{1, 4, 4}));
  EXPECT_EQ(config.reference_path, "ri/3.png");
  EXPECT_EQ(config.reference_class, 1);
  EXPECT_EQ(config.hidden_layers, (std::vector<int64_t>{6, 6, 6}));
  EXPECT_EQ(config.selected_classes, (std::vector<int64_t>{1, 3, 5, 7, 9}));
  EXPECT_EQ(config.timeout, 86400.0);
  EXPECT_EQ(config.repair_penalty_increase, 1.5);
  EXPECT_EQ(number_of_classes(config), 5);
  EXPECT_EQ(class_label(config, 1), 3);
}

TEST(Config, TakesTheThresholdExactlyAsWritten) {
  const Config config = parse_config(kOriginal, "my.json");
  EXPECT_EQ(config.threshold.exact(), mpq_class(49, 50));
  std::string text = kOriginal;
  text.replace(text.find("0.98"), 4, "0.98000000000000000000000001");
  const Config finer = parse_config(text, "my.json");
  EXPECT_EQ(finer.threshold.text(), "0.98000000000000000000000001");
  EXPECT_GT(finer.threshold.exact(), config.threshold.exact());
  EXPECT_THAT(print_config(finer), HasSubstr("\"threshold\": 0.98000000000000000000000001"));
}

TEST(Config, FillsInDefaults) {
  const Config config = parse_config(
      R"({"dimension": [3, 4, 5], "ri": {"path": "a.png", "class_idx": 42},
          "model": {"dataset": "GTSRB", "hidden_layer": [], "selected_classes": null},
          "minlp": {"threshold": 1}})",
      "my.json");
  EXPECT_EQ(config.path, "results");
  EXPECT_EQ(config.seed, 1);
  EXPECT_EQ(config.distance, "ssim");
  EXPECT_TRUE(config.load_model);
  EXPECT_EQ(number_of_classes(config), 43);
  EXPECT_EQ(class_label(config, 42), 42);
}

TEST(Config, PrintsWhatItReadsBack) {
  const Config config = parse_config(kOriginal, "my.json");
  const std::string printed = print_config(config);
  const json parsed = json::parse(printed);
  EXPECT_EQ(parsed["minlp"]["threshold"], 0.98);
  EXPECT_EQ(parsed["repair"]["method"], "auto");
  EXPECT_EQ(parsed["model"]["selected_classes"], (json{1, 3, 5, 7, 9}));
  EXPECT_EQ(print_config(parse_config(printed, "printed")), printed);
  const std::set<std::string_view> other_ways = {"ri.csv", "ri.folder", "ri.first", "ri.classes"};
  for (const Key& key : config_keys()) {
    if (other_ways.contains(key.name)) continue;
    std::string pointer = "/" + std::string(key.name);
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    EXPECT_TRUE(parsed.contains(json::json_pointer(pointer))) << pointer;
  }
}

TEST(Config, KnowsManyWaysToNameReferences) {
  json config = original();
  config["ri"] = json::parse(R"([{"path": "3.png", "class_idx": 1},
                                 {"path": "b \\\"5.png", "class_idx": 2, "threshold": 0.5}])");
  Config read = parse_config(config.dump(), "my.json");
  ASSERT_EQ(read.reference_list.size(), 2U);
  EXPECT_EQ(read.reference_list[0].path, "3.png");
  EXPECT_FALSE(read.reference_list[0].threshold.has_value());
  EXPECT_EQ(read.reference_list[1].class_idx, 2);
  EXPECT_EQ(read.reference_list[1].threshold->text(), "0.5");
  EXPECT_EQ(print_config(parse_config(print_config(read), "printed")), print_config(read));
  for (const char* way :
       {R"({"csv": "refs.csv"})", R"({"folder": "refs"})", R"({"first": 7, "classes": [2, 0]})"}) {
    config["ri"] = json::parse(way);
    read = parse_config(config.dump(), "my.json");
    EXPECT_EQ(print_config(parse_config(print_config(read), "printed")), print_config(read));
    EXPECT_NE(print_config(read).find("\"ri\": {"), std::string::npos);
  }
  EXPECT_EQ(read.reference_first, 7);
  EXPECT_EQ(read.reference_classes, (std::vector<int64_t>{2, 0}));
}

TEST(Config, TakesOneWayToNameReferences) {
  const auto message = [](const char* ri) {
    json config = original();
    config["ri"] = json::parse(ri);
    return message_for(config.dump());
  };
  EXPECT_EQ(message(R"({"path": "3.png", "class_idx": 1, "csv": "a.csv"})"),
            "my.json: ri: got ri.path and ri.csv, wanted one of the two");
  EXPECT_EQ(message(R"({"path": "3.png"})"),
            "my.json: ri.class_idx: got nothing, wanted an integer from 0 to 1000000");
  EXPECT_EQ(message("[]"), "my.json: ri: got an empty list, wanted one reference or more");
  EXPECT_EQ(message(R"([{"path": "3.png"}])"),
            "my.json: ri[0].class_idx: got nothing, wanted an integer from 0 to 1000000");
  EXPECT_EQ(message(R"([3])"),
            "my.json: ri[0]: got the number 3, wanted an object { ... } with path and class_idx");
  EXPECT_NE(
      message(R"([{"path": "3.png", "class_idx": 1, "tau": 0.9}])").find("ri[0].tau: this key is not known"),
      std::string::npos);
  EXPECT_EQ(message(R"({"csv": "a.csv", "classes": [1]})"),
            "my.json: ri.classes: got no ri.first beside it, wanted both, or neither");
}

TEST(Config, NamesUnknownKeysAndTheNearestKnownOne) {
  EXPECT_EQ(message_with("/minlp/treshold", 0.9),
            "my.json: minlp.treshold: this key is not known; did you mean minlp.threshold?");
  EXPECT_EQ(message_with("/threshold", 0.9),
            "my.json: threshold: this key is not known; did you mean minlp.threshold?");
  EXPECT_EQ(message_with("/modell", json::object()),
            "my.json: modell: this key is not known; did you mean model.dataset?");
}

TEST(Config, NamesMissingKeys) {
  json config = original();
  config["ri"].erase("class_idx");
  EXPECT_EQ(message_for(config.dump()),
            "my.json: ri.class_idx: got nothing, wanted an integer from 0 to 1000000");
  EXPECT_EQ(message_for("{}").substr(0, 27), "my.json: dimension: got not");
}

TEST(Config, NamesWrongTypes) {
  EXPECT_EQ(message_with("/model/epochs", "many"),
            "my.json: model.epochs: got the text 'many', wanted an integer from 1 to 1000000");
  EXPECT_EQ(message_with("/model/epochs", 50.5),
            "my.json: model.epochs: got the number 50.5, wanted an integer from 1 to 1000000");
  EXPECT_EQ(message_with("/model/load_model", 1),
            "my.json: model.load_model: got the number 1, wanted true or false");
  EXPECT_EQ(message_with("/model", 1), "my.json: model: got the number 1, wanted an object { ... }");
  EXPECT_EQ(message_with("/path", nullptr), "my.json: path: got null, wanted a text that is not empty");
  EXPECT_EQ(message_with("/ri/path", ""),
            "my.json: ri.path: got the text '', wanted a text that is not empty");
  EXPECT_EQ(message_with("/minlp/threshold", "0.98"),
            "my.json: minlp.threshold: got the text '0.98', wanted a number from 0 to 1000000");
  EXPECT_EQ(
      message_with("/dimension", {1, "4", 4}),
      "my.json: dimension: got [1, the text '4', 4], wanted a list [channels, height, width] of integers "
      "from 1 to 4096, channels 1 or 3");
  EXPECT_EQ(message_for("[1]"), "my.json: got a list of 1, wanted an object { ... } of settings");
}

TEST(Config, NamesValuesOutOfRange) {
  EXPECT_EQ(message_with("/minlp/threshold", 0),
            "my.json: minlp.threshold: got the number 0, wanted a number above 0 and at most 1");
  EXPECT_EQ(message_with("/minlp/threshold", 1.5),
            "my.json: minlp.threshold: got the number 1.5, wanted a number above 0 and at most 1");
  EXPECT_EQ(message_with("/minlp/threshold", -0.5),
            "my.json: minlp.threshold: got the number -0.5, wanted a number from 0 to 1000000");
  EXPECT_EQ(message_with("/minlp/distance", "l1"),
            "my.json: minlp.distance: got the text 'l1', wanted one of \"ssim\", \"linf\", \"l2\"");
  EXPECT_EQ(
      message_with("/model/dataset", "CIFAR"),
      "my.json: model.dataset: got the text 'CIFAR', wanted one of \"MNIST\", \"FashionMNIST\", \"GTSRB\"");
  EXPECT_EQ(message_with("/repair/lr", 0),
            "my.json: repair.lr: got the number 0, wanted a number above 0 and at most 10");
  EXPECT_EQ(message_with("/repair/penalty_increase", 0.5),
            "my.json: repair.penalty_increase: got the number 0.5, wanted a number from 1 to 1000000");
  EXPECT_THAT(message_with("/dimension", {2, 4, 4}), HasSubstr("got [2, 4, 4], wanted"));
  EXPECT_THAT(message_with("/dimension", {1, 4}), HasSubstr("got [1, 4], wanted"));
  EXPECT_THAT(message_with("/model/hidden_layer", {6, 0}),
              HasSubstr("model.hidden_layer: got [6, 0], wanted"));
  EXPECT_THAT(message_with("/seed", json(18446744073709551615ULL)),
              HasSubstr("seed: got the number 18446744073"));
}

TEST(Config, TheThresholdsRangeIsExact) {
  std::string text = kOriginal;
  text.replace(text.find("0.98"), 4, "1.00000000000000000000000001");
  EXPECT_THAT(message_for(text), HasSubstr("minlp.threshold: got the number 1.00000000000000000000000001"));
}

TEST(Config, TakesDistancesAndTheMeanOverChannels) {
  const auto with = [](const std::string& likeness) {
    std::string text = kOriginal;
    const std::string plain = "\"distance\": \"ssim\", \"threshold\": 0.98";
    return text.replace(text.find(plain), plain.size(), likeness);
  };
  const auto read = [&](const std::string& likeness) {
    return neighbourhood_of(parse_config(with(likeness), "my.json"));
  };
  const Neighbourhood ball = read(R"("distance": "l2", "threshold": 1.5)");
  EXPECT_EQ(ball.measure, Measure::kL2);
  EXPECT_EQ(ball.limit.text(), "1.5");
  EXPECT_EQ(every_image(ball, "a.png"), "every image at an L2 distance of at most 1.5 from a.png");
  const Neighbourhood averaged = read(R"("distance": "ssim", "channels": "mean", "threshold": 0.5)");
  EXPECT_EQ(averaged.measure, Measure::kChannelSsim);
  EXPECT_EQ(every_image(averaged, "a.png"),
            "every image whose mean SSIM of the channels to a.png is at least 0.5");
  EXPECT_EQ(
      message_for(with(R"("distance": "linf", "channels": "mean", "threshold": 0.5)")),
      "my.json: minlp.channels: got \"mean\" with a distance, wanted \"joint\": only SSIM is averaged over "
      "channels");
}

TEST(Config, NamesContradictions) {
  EXPECT_EQ(message_with("/ri/class_idx", 5),
            "my.json: ri.class_idx: got 5, wanted the number of an output, 0 to 4: a position in "
            "model.selected_classes");
  EXPECT_EQ(message_with("/model/selected_classes", {1, 11}),
            "my.json: model.selected_classes: got 11, wanted classes of MNIST, 0 to 9");
  EXPECT_EQ(message_with("/model/selected_classes", {1, 3, 1}),
            "my.json: model.selected_classes: got 1 twice, wanted each class once");
  EXPECT_EQ(message_with("/model/selected_classes", {4}),
            "my.json: model.selected_classes: got one class, wanted at least two, or an empty list for all");
  EXPECT_EQ(message_with("/dimension", {1, 1, 1}),
            "my.json: dimension: got a single value, wanted at least two: SSIM compares variances");
}

TEST(Config, NamesDuplicateKeys) {
  EXPECT_EQ(message_for(R"({"path": "a", "path": "b"})"),
            "my.json: path: got the same key twice, wanted each key once");
  EXPECT_EQ(message_for(R"({"ri": {"path": "a", "path": "b"}})"),
            "my.json: ri.path: got the same key twice, wanted each key once");
}

TEST(Config, NamesTheLineOfSyntaxErrors) {
  const std::string message = message_for("{\n  \"path\": \"a\"\n  \"dimension\": 1}");
  EXPECT_THAT(message, HasSubstr("my.json: parse error at line 3"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("\n")));
  EXPECT_THAT(message_for(""), HasSubstr("my.json: parse error at line 1"));
  EXPECT_THAT(message_for(std::string(10000, '[')), HasSubstr("more than 32 levels of nesting"));
  EXPECT_THAT(message_for(R"({"minlp": {"threshold": 1e999}})"), HasSubstr("number overflow"));
}

TEST(Config, NamesTheFileThatCannotBeRead) {
  try {
    read_config("/nonexistent/my.json");
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "/nonexistent/my.json: cannot be opened: got No such file or directory");
  }
}

TEST(Config, ThePageInTheDocumentsIsTheTable) {
  const std::string page = read_text_file(std::string(VERISSIM_SOURCE_DIR) + "/docs/config.md");
  EXPECT_THAT(page, HasSubstr(config_reference())) << "write it anew: verissim run --list-keys";
}

TEST(Config, TheReferencePageHasEveryKey) {
  const std::string page = config_reference();
  for (const Key& key : config_keys()) EXPECT_THAT(page, HasSubstr("| `" + std::string(key.name) + "` |"));
  EXPECT_THAT(page, HasSubstr("| `minlp.threshold` | a number from 0 to 1000000 | (required) |"));
}

}  // namespace
}  // namespace verissim::experiment
