#include "dataset/gtsrb_labels.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace verissim::dataset {
namespace {

using Rows = std::vector<std::pair<std::string, int>>;

std::string message_of(const std::string& text) {
  try {
    parse_gtsrb_labels(text, 43, "x.csv");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(GtsrbLabels, ReadsRows) {
  const std::string text = "Filename;Width;ClassId\n00000.ppm;27; 0\r\n\n00001.ppm;29;42";
  EXPECT_EQ(parse_gtsrb_labels(text, 43, "x.csv"), (Rows{{"00000.ppm", 0}, {"00001.ppm", 42}}));
  EXPECT_EQ(parse_gtsrb_labels("ClassId;Filename\r\n7;a.ppm\r\n", 43, "x.csv"), (Rows{{"a.ppm", 7}}));
}

TEST(GtsrbLabels, MessagesSayWhatIsWrong) {
  EXPECT_EQ(message_of(""), "x.csv: line 1: got no column 'Filename', wanted columns separated by ';'");
  EXPECT_EQ(message_of("Filename,ClassId\n"),
            "x.csv: line 1: got no column 'Filename', wanted columns separated by ';'");
  EXPECT_EQ(message_of("Filename;ClassId\na.ppm"), "x.csv: line 2: got 1 columns, wanted 2");
  EXPECT_EQ(message_of("Filename;ClassId\na.ppm;43"), "x.csv: line 2: got class '43', wanted 0 to 42");
  EXPECT_EQ(message_of("Filename;ClassId\na.ppm;-1"), "x.csv: line 2: got class '-1', wanted 0 to 42");
  EXPECT_EQ(message_of("Filename;ClassId\na.ppm;4x"), "x.csv: line 2: got class '4x', wanted 0 to 42");
  EXPECT_EQ(message_of("Filename;ClassId\na.ppm;99999999999"),
            "x.csv: line 2: got class '99999999999', wanted 0 to 42");
  EXPECT_EQ(message_of("Filename;ClassId\n../a.ppm;1"),
            "x.csv: line 2: got '../a.ppm', wanted the name of a file");
  EXPECT_EQ(message_of("Filename;ClassId\n;1"), "x.csv: line 2: got '', wanted the name of a file");
}

TEST(GtsrbLabels, ClassesOfTrainingImages) {
  EXPECT_EQ(gtsrb_class_of("GTSRB/Training/00014/00003_00029.ppm"), 14);
  EXPECT_EQ(gtsrb_class_of("00042/a.ppm"), 42);
  EXPECT_EQ(gtsrb_class_of("GTSRB/Training/00014/GT-00014.csv"), -1);
  EXPECT_EQ(gtsrb_class_of("GTSRB/Training/Readme.ppm"), -1);
  EXPECT_EQ(gtsrb_class_of("a.ppm"), -1);
}

}  // namespace
}  // namespace verissim::dataset
