#include "checker/problem.h"

namespace verissim::testing {
namespace {

// Few inputs and neurons: all thresholds, also those below which the neighbourhood is not convex.
TEST(Checker, AcceptsSmallProblems) {
  static const std::vector<std::string> thresholds{"1", "0.999", "0.99", "0.98", "0.95", "0.9", "0.8", "0.5"};
  Tally tally;
  Rng rng(77);
  for (int k = 0; k < 300; ++k) {
    const auto width = static_cast<int64_t>(2 + rng.below(7));
    expect_accepted(filed(rng, 1 + static_cast<int64_t>(rng.below(2)), width, {5, 4}, pick(rng, thresholds)),
                    tally);
  }
  EXPECT_GE(tally.robust, 100);
  EXPECT_GE(tally.refuted, 25);
}

// Enough neurons for bowls, and hard enough for splits and frames below the root.
TEST(Checker, AcceptsBowlsSplitsAndFrames) {
  static const std::vector<std::string> thresholds{"0.995", "0.99", "0.98", "0.96", "0.93", "0.9"};
  Tally tally;
  int64_t leaves = 0;
  Rng rng(78);
  for (int k = 0; k < 60; ++k) {
    const FiledQuestion q = filed(rng, 6, 6, {24, 16}, pick(rng, thresholds), 1.1);
    expect_accepted(q, tally, 2);
    if (have(q.certificate())) leaves += 1;
  }
  EXPECT_GE(tally.robust, 10);
  EXPECT_GE(leaves, 30);
}

// ONNX: colours, strides, padding, batch normalisation, residual sums, means, maxima. Without a sum the
// second layer is coupled as well.
TEST(Checker, AcceptsConvolutions) {
  static const std::vector<std::string> thresholds{"0.9999", "0.9997", "0.999", "0.998", "0.99"};
  Tally tally;
  int maxima = 0;  // robust ones
  Rng rng(83);
  for (int k = 0; k < 80; ++k) {
    const auto size = static_cast<int64_t>(4 + rng.below(3));
    const auto channels = static_cast<int64_t>(2 + rng.below(4));
    const std::string pool = k % 3 == 0 ? "MaxPool" : "AveragePool";
    const int before = tally.robust;
    expect_accepted(filed_onnx(rng, size, channels, k % 2 == 0, pick(rng, thresholds), pool), tally, 2);
    maxima += k % 3 == 0 ? tally.robust - before : 0;
  }
  EXPECT_GE(maxima, 5);
  EXPECT_GE(tally.robust, 15);
  EXPECT_GE(tally.refuted, 5);
}

// Of large networks some questions are proved at a glance, some only when neurons are coupled.
TEST(Checker, AcceptsLargeNetworks) {
  Rng rng(85);
  int at_a_glance = 0;
  int coupled = 0;
  for (int k = 0; k < 8; ++k) {
    const FiledQuestion q = filed_onnx(rng, 16, 8, false, k % 2 == 0 ? "0.99999" : "0.9999");
    ASSERT_GE(q.question.net.relus(), 1000);
    certificate::Writer writer(q.certificate(), q.subject());
    RootLooker looker(writer);
    const Certified certified = certify(q, writer, looker, 2);
    if (certified.result.verdict != search::Verdict::kRobust) continue;
    ++(looker.coupled > 0 ? coupled : at_a_glance);
    ASSERT_FALSE(certified.why_not.has_value()) << *certified.why_not;
    EXPECT_EQ(check(q).code, 20);
  }
  EXPECT_GE(at_a_glance, 2);
  EXPECT_GE(coupled, 1);
}

TEST(Checker, CertificatesDoNotDependOnThreads) {
  Rng rng(79);
  int compared = 0;
  for (int k = 0; k < 12; ++k) {
    const FiledQuestion q = filed(rng, 6, 6, {24, 16}, "0.97", 1.1);
    if (certify(q, 1).why_not) continue;
    const std::vector<std::byte> one = read_file(q.certificate());
    ASSERT_FALSE(certify(q, 3).why_not.has_value());
    EXPECT_TRUE(one == read_file(q.certificate()));
    ++compared;
  }
  EXPECT_GE(compared, 6);
}

// The digest covers the whole file: whatever byte is changed, lost or added.
TEST(Checker, RejectsEveryChange) {
  Rng rng(80);
  const FiledQuestion q = filed(rng, 2, 3, {4}, "0.999");
  ASSERT_FALSE(certify(q).why_not.has_value());
  const std::vector<std::byte> whole = read_file(q.certificate());
  ASSERT_EQ(check(q).code, 20);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::vector<std::byte> changed = whole;
    changed[at] ^= std::byte{static_cast<unsigned char>(1U << rng.below(8))};
    write_file(q.certificate(), changed);
    const Ended ended = check(q);
    ASSERT_EQ(ended.code, 1) << at;
    ASSERT_EQ(ended.out.substr(0, 10), "REJECTED: ") << ended.out;
  }
  for (const size_t length : {size_t{0}, size_t{5}, whole.size() / 2, whole.size() - 1}) {
    write_file(q.certificate(), std::span(whole).first(length));
    EXPECT_EQ(check(q).code, 1) << length;
  }
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte{0});
  write_file(q.certificate(), longer);
  EXPECT_EQ(check(q).code, 1);
}

TEST(Checker, AcceptsProofsAboutRealModels) {
  const std::string data = shared_data();
  if (!have(data + "/models/mnist")) GTEST_SKIP() << "no models in " << data;
  const TemporaryFolder folder;
  struct Case {
    const char* model;
    const char* digit;
    const char* label;
    const char* threshold;
  };
  for (const Case& c : {Case{"model_i1x4x4_l6-6-6_o5.pt", "3", "1", "0.98"},
                        Case{"model_i1x8x8_l20-20_o5.pt", "5", "2", "0.98"},
                        Case{"model_i1x14x14_l50-50_o5.pt", "7", "3", "0.98"},
                        Case{"model_i1x28x28_l100-100_o5.pt", "1", "0", "0.99"}}) {
    const std::vector<std::string> question = {"--model", data + "/models/mnist/" + c.model,
                                               "--image", data + "/ri/mnist/" + c.digit + ".png",
                                               "--class", c.label,
                                               "--ssim",  c.threshold};
    std::vector<std::string> words = {"verify", "--quiet", "--certificate", folder.file("proof")};
    words.insert(words.end(), question.begin(), question.end());
    const Ended verified = run_verissim(words);
    ASSERT_TRUE(verified.code == 20 || verified.code == 10) << verified.out << verified.err;
    words = {VERISSIM_CHECKER, folder.file("proof")};
    words.insert(words.end(), question.begin(), question.end());
    const Ended checked = Process(words).wait();
    EXPECT_EQ(checked.code, verified.code) << c.model << ": " << checked.out;
  }
}

// What certificates do not know is said before the search.
TEST(Checker, OtherQuestionsGetNoCertificate) {
  Rng rng(81);
  const FiledQuestion q = filed(rng, 2, 3, {4}, "0.999");
  const auto with = [&](const std::vector<std::string>& limit) {
    std::vector<std::string> words = {"verify",      "--quiet", "--model",       q.model(),
                                      "--image",     q.image(), "--class",       std::to_string(q.label),
                                      "--dimension", "1,2,3",   "--certificate", q.certificate()};
    words.insert(words.end(), limit.begin(), limit.end());
    return run_verissim(words);
  };
  for (const std::vector<std::string>& limit :
       {std::vector<std::string>{"--linf", "0.01"}, std::vector<std::string>{"--l2", "0.01"},
        std::vector<std::string>{"--ssim", "0.999", "--eight-bit"}}) {
    const Ended ended = with(limit);
    EXPECT_EQ(ended.code, 3) << ended.out;
    EXPECT_NE(ended.err.find("--certificate"), std::string::npos) << ended.err;
    EXPECT_FALSE(have(q.certificate()));
  }
  EXPECT_EQ(with({"--ssim", "0.999"}).code, 20);
  EXPECT_EQ(check(q).code, 20);
}

TEST(Checker, WindowsThatHangOverTheEdgeGetNoCertificate) {
  Rng rng(84);
  const FiledQuestion q = filed_onnx(rng, 4, 2, false, "0.999", "MaxPool");
  const auto ended_with = [&](const std::string& of_pool) {
    Rng same(85);
    const std::string model = OnnxWriter(same).convolutional(4, 2, 3, false, "MaxPool", of_pool);
    write_file(q.model(), std::as_bytes(std::span(model)));
    return run_verissim({"verify", "--quiet", "--model", q.model(), "--image", q.image(), "--class", "0",
                         "--ssim", "0.999", "--certificate", q.certificate()});
  };
  const std::string number = OnnxWriter::bytes(1, "ceil_mode") + OnnxWriter::number(3, 1);
  const std::string ceil = OnnxWriter::bytes(5, number + OnnxWriter::number(20, 2));
  const std::string strides = OnnxWriter::ints("strides", {2, 1});
  for (const std::string& of_pool : {OnnxWriter::ints("pads", {0, 0, 1, 0}), ceil}) {
    const Ended ended = ended_with(strides + of_pool);
    EXPECT_EQ(ended.code, 3) << ended.out;
    EXPECT_NE(ended.err.find("MaxPool without padding"), std::string::npos) << ended.err;
    EXPECT_FALSE(have(q.certificate()));
  }
  EXPECT_NE(ended_with(strides).code, 3);
}

// What the checker says of a question without a certificate whose model or image is another: that the
// certificate is not there, if it reads them.
class OtherFiles : public ::testing::Test {
 protected:
  std::string with_model(const std::string& bytes) {
    write_text_file(q_.model(), bytes);
    return check(q_).out;
  }
  void expect_read(const std::string& out) { expect_said(out, "proof.cert: cannot be opened"); }
  static void expect_said(const std::string& out, const std::string& why) {
    EXPECT_NE(out.find(why), std::string::npos) << out;
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    EXPECT_NE(text.find(from), std::string::npos) << from;
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
    return text;
  }
  static std::string little(uint64_t value, int bytes) {
    std::string text;
    for (int k = 0; k < bytes; ++k) text += static_cast<char>(value >> (8 * k));
    return text;
  }

  Rng rng_{86};
  FiledQuestion q_ = filed(rng_, 2, 3, {7}, "0.999");
};

// PyTorch believes a directory of ZIP64 rather than the usual one.
TEST_F(OtherFiles, TwoDirectoriesOfAnArchive) {
  const std::string whole = read_text_file(q_.model());
  const std::string body = whole.substr(0, whole.size() - 22);
  const std::string end = whole.substr(body.size());
  ASSERT_EQ(end.substr(0, 4), "PK\5\6");
  const auto with = [&](const std::string& count, const std::string& start) {
    const std::string record = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                               count + count + end.substr(12, 4) + little(0, 4) + start;
    return with_model(body + record + "PK\6\7" + little(0, 4) + little(body.size(), 8) + little(1, 4) + end);
  };
  const std::string count = end.substr(10, 2) + little(0, 6);
  const std::string start = end.substr(16, 4) + little(0, 4);
  expect_read(with(count, start));
  expect_said(with(count, little(0, 8)), "two ZIP directories");
  expect_said(with(little(1, 8), start), "two ZIP directories");
}

TEST_F(OtherFiles, NamesInCapitals) {
  const std::string whole = read_text_file(q_.model());
  expect_read(with_model(replaced(whole, "archive/byteorder", "archive/BYTEORDER")));
  expect_said(
      with_model(replaced(replaced(whole, "archive/byteorder", "archive/BYTEORDER"), "little", "bigend")),
      "unknown order of bytes");
}

TEST_F(OtherFiles, AMatrixOnItsSide) {
  const auto tuple = [](int64_t a, int64_t b) {
    return "(\x8a\x08" + little(static_cast<uint64_t>(a), 8) + "\x8a\x08" +
           little(static_cast<uint64_t>(b), 8) + "t";
  };
  const int64_t out = q_.question.net.outputs();
  const std::string whole = read_text_file(q_.model());
  expect_said(with_model(replaced(whole, tuple(out, 7) + tuple(7, 1), tuple(7, out) + tuple(out, 1))),
              "sizes do not fit");
}

TEST_F(OtherFiles, ImagesThatMoveOrHaveTwoHeaders) {
  const std::string whole = read_text_file(q_.image());
  const auto with = [&](const std::string& chunk) {
    write_text_file(q_.image(), whole.substr(0, 33) + chunk + whole.substr(33));
    return check(q_).out;
  };
  expect_read(with(""));
  expect_said(with(little(0x08000000, 4) + "acTL" + std::string(12, '\0')), "or moves");
  expect_said(with(whole.substr(8, 25)), "not one header");
}

// A name in a file may hold what a terminal obeys.
TEST_F(OtherFiles, NamesThatATerminalWouldObey) {
  q_.model_name = "model.onnx";
  const std::string attribute = OnnxWriter::bytes(1, "a\x1b[2J\n\xc2\x9b") + OnnxWriter::number(3, 1);
  expect_said(with_model(OnnxWriter(rng_).gemm(6, attribute + OnnxWriter::number(20, 2))),
              "a?[2J??? is not known");
}

// Protocol buffers: another kind of field than is due is passed over elsewhere, and of two names one counts.
TEST_F(OtherFiles, FieldsOfOnnx) {
  q_.model_name = "model.onnx";
  const std::string name = OnnxWriter::bytes(1, "transB");
  const auto with = [&](const std::string& value, int64_t type, const std::string& more) {
    return with_model(OnnxWriter(rng_).gemm(6, name + value + OnnxWriter::number(20, type), more));
  };
  const std::string one = OnnxWriter::number(3, 1);
  expect_read(with(one, 2, ""));
  expect_said(with(OnnxWriter::bytes(3, "\x01"), 2, ""), "unknown kind of field");
  expect_said(with(one, 2, OnnxWriter::bytes(1, "\x01") + "\x0d" + little(1, 4)), "unknown kind of field");
  expect_said(with(one, 1, ""), "of its type");
  expect_said(with(one, 2, OnnxWriter::bytes(8, "other")), "two fields 8");
  expect_said(with_model(OnnxWriter(rng_).raised(2, 3)), "more axes");
}

// Files of a few bytes that say images, windows or chains of ReLUs of any size.
TEST_F(OtherFiles, SmallFilesOfLargeNetworks) {
  q_.model_name = "model.onnx";
  const std::string folder = std::string(VERISSIM_SOURCE_DIR) + "/fuzz/corpus/checker_onnx/";
  for (const char* name : {"large_input", "large_kernel", "large_pads", "many_relus"})
    expect_said(with_model(read_text_file(folder + name)), "far larger than its file");
}

// Whatever is not 0 is true.
TEST_F(OtherFiles, AMatrixThatIsTransposedTwice) {
  q_.model_name = "model.onnx";
  const std::string name = OnnxWriter::bytes(1, "transB") + OnnxWriter::number(20, 2);
  for (int k = 0; k < 8; ++k) {
    const std::string model = OnnxWriter(rng_).gemm(6, name + OnnxWriter::number(3, 2));
    write_text_file(q_.model(), model);
    q_.question.net = network::load_model(q_.model(), q_.shape).network;
    q_.label = predicted(q_.question.net, q_.question.hood.reference);
    search::Result refuted;
    refuted.verdict = search::Verdict::kNotRobust;
    refuted.counterexamples.push_back({});
    refuted.counterexamples.front().values = q_.question.hood.reference;
    certificate::Writer writer(q_.certificate(), q_.subject());
    ASSERT_FALSE(writer.finish(refuted).has_value());
    expect_said(check(q_).out, "not shown to get a wrong class");
  }
}

TEST(Checker, SaysHowItIsUsed) {
  EXPECT_EQ(Process({VERISSIM_CHECKER}).wait().code, 2);
  EXPECT_EQ(Process({VERISSIM_CHECKER, "--help"}).wait().code, 0);
  Rng rng(82);
  const FiledQuestion q = filed(rng, 2, 3, {4}, "0.999");
  const Ended missing = check(q);
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.out.find("cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace verissim::testing
