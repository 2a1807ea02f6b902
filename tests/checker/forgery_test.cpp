// Certificates with a right digest that say something false: made by changing what the writer is told.
#include <functional>

#include "checker/problem.h"

namespace verissim::testing {
namespace {

// Passes everything on, as the forger's functions change it. A function that returns false drops the call.
struct Forger final : search::Recorder {
  explicit Forger(certificate::Writer& to) : writer(to) {}

  std::function<bool(search::Node&, int)> leaf = [](search::Node&, int) { return true; };
  std::function<bool(search::Node&, double&)> split = [](search::Node&, double&) { return true; };
  std::function<void(search::FrameProof&)> frame = [](search::FrameProof&) {};
  std::function<void(std::vector<region::Slab>&, double&)> root = [](std::vector<region::Slab>&, double&) {};

  void on_root(const search::FrameProof& proof, const std::vector<region::Slab>& slabs,
               double enough) override {
    search::FrameProof own = proof;
    std::vector<region::Slab> own_slabs = slabs;
    frame(own);
    root(own_slabs, enough);
    writer.on_root(own, own_slabs, enough);
  }
  void on_split(const search::Node& node, double middle) override {
    search::Node own = node;
    ++splits;
    if (split(own, middle)) writer.on_split(own, middle);
  }
  void on_frame(const search::Node& node, const search::FrameProof& proof) override {
    search::FrameProof own = proof;
    frame(own);
    writer.on_frame(node, own);
  }
  void on_closed(const search::Node& node) override {
    search::Node own = node;
    if (leaf(own, leaves++)) writer.on_closed(own);
  }
  void on_gap() override { writer.on_gap(); }

  certificate::Writer& writer;
  int leaves = 0;
  int splits = 0;
};

// Robust, with splits, frames and bowls.
FiledQuestion hard() {
  for (uint64_t seed = 1; seed < 200; ++seed) {
    Rng rng(seed);
    FiledQuestion q = filed(rng, 6, 6, {24, 16}, "0.97", 1.1);
    certificate::Writer writer(q.certificate(), q.subject());
    Forger forger(writer);
    const Certified certified = certify(q, writer, forger);
    if (certified.result.verdict == search::Verdict::kRobust && forger.splits >= 4 && check(q).code == 20)
      return q;
  }
  ADD_FAILURE() << "no such question";
  return {};
}

class Forgery : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { question_ = new FiledQuestion(hard()); }
  static void TearDownTestSuite() { delete question_; }

  // What the checker says of the certificate with these changes.
  static Ended forged(const std::function<void(Forger&)>& change) {
    certificate::Writer writer(question_->certificate(), question_->subject());
    Forger forger(writer);
    change(forger);
    EXPECT_FALSE(certify(*question_, writer, forger).why_not.has_value());
    return check(*question_);
  }
  static void expect_rejected(const Ended& ended, const std::string& why) {
    EXPECT_EQ(ended.code, 1) << ended.out;
    EXPECT_EQ(ended.out.substr(0, 10), "REJECTED: ") << ended.out;
    EXPECT_NE(ended.out.find(why), std::string::npos) << ended.out;
  }
  static FiledQuestion* question_;
};
FiledQuestion* Forgery::question_ = nullptr;

TEST_F(Forgery, NothingChangedIsAccepted) {
  const Ended ended = forged([](Forger&) {});
  EXPECT_EQ(ended.code, 20) << ended.out;
}

TEST_F(Forgery, DroppedLeaves) {
  for (int k = 0; k < 6; ++k) {
    expect_rejected(forged([k](Forger& f) { f.leaf = [k](search::Node&, int at) { return at != k; }; }),
                    "left open");
  }
}

TEST_F(Forgery, ALeafTwice) {
  expect_rejected(forged([](Forger& f) {
                    f.leaf = [&f](search::Node& node, int at) {
                      if (at == 0) f.writer.on_closed(node);
                      return true;
                    };
                  }),
                  "is not open");
}

TEST_F(Forgery, SlopesOutOfRange) {
  for (const float slope : {-0.001F, 1.5F, 1e30F}) {
    expect_rejected(forged([slope](Forger& f) {
                      f.leaf = [slope](search::Node& node, int) {
                        for (float& alpha : node.alpha) alpha = slope;
                        return true;
                      };
                    }),
                    "slope");
    expect_rejected(forged([slope](Forger& f) {
                      f.frame = [slope](search::FrameProof& proof) {
                        for (search::LayerProof& layer : proof.layers) {
                          for (search::NeuronBound& bound : layer.bounds) {
                            for (float& low : bound.reasons.low) low = slope;
                          }
                        }
                      };
                    }),
                    "slope");
  }
}

TEST_F(Forgery, NumbersThatAreNone) {
  expect_rejected(forged([](Forger& f) {
                    f.leaf = [](search::Node& node, int) {
                      for (float& alpha : node.alpha) alpha = NAN;
                      return true;
                    };
                  }),
                  "not finite");
  expect_rejected(forged([](Forger& f) { f.root = [](auto&, double& enough) { enough = HUGE_VAL; }; }),
                  "not finite");
}

TEST_F(Forgery, NegativeMultipliers) {
  expect_rejected(forged([](Forger& f) {
                    f.leaf = [](search::Node& node, int) {
                      for (search::Split& s : node.splits) s.beta = -1.0F;
                      return true;
                    };
                  }),
                  "multiplier is negative");
  expect_rejected(forged([](Forger& f) {
                    f.frame = [](search::FrameProof& proof) {
                      for (search::LayerProof& layer : proof.layers) {
                        for (search::NeuronBound& bound : layer.bounds) bound.reasons.eta = -0.5F;
                      }
                    };
                  }),
                  "multiplier is negative");
  expect_rejected(forged([](Forger& f) { f.root = [](auto&, double& enough) { enough = -0.1; }; }),
                  "negative margin");
}

TEST_F(Forgery, SlabsWithGaps) {
  expect_rejected(forged([](Forger& f) {
                    f.root = [](std::vector<region::Slab>& slabs, double&) {
                      const region::Slab whole = slabs.front();
                      const double third = (whole.hi - whole.lo) / 3;
                      slabs = {{whole.lo, whole.lo + third}, {whole.hi - third, whole.hi}};
                    };
                  }),
                  "do not follow");
  expect_rejected(forged([](Forger& f) { f.root = [](auto& slabs, double&) { slabs.clear(); }; }), "no slab");
}

TEST_F(Forgery, MissingAndOtherSplits) {
  expect_rejected(forged([](Forger& f) { f.split = [](search::Node&, double&) { return false; }; }),
                  "is not open");
  // A split of another neuron gives other parts, whose proofs are others; a neuron that is not there gives
  // none.
  expect_rejected(forged([](Forger& f) {
                    f.split = [](search::Node& node, double&) {
                      node.branch = 100000;
                      return true;
                    };
                  }),
                  "is not below");
}

// Otherwise a few bytes for each of many splits in a row would take memory with the square of their number.
TEST_F(Forgery, ANeuronSplitTwice) {
  expect_rejected(forged([](Forger& f) {
                    f.split = [](search::Node& node, double&) {
                      node.branch = 0;
                      return true;
                    };
                  }),
                  "split twice");
}

// The numbers of the two halves of every split are exchanged: each leaf is told about the other part.
TEST_F(Forgery, SwappedHalves) {
  const Ended ended = forged([](Forger& f) {
    f.leaf = [](search::Node& node, int) {
      node.number = node.number % 2 == 0 ? node.number + 1 : node.number - 1;
      return true;
    };
  });
  EXPECT_EQ(ended.code, 1) << ended.out;
}

// Frames without reasons for what they claim are weaker, and said contradictions are checked.
TEST_F(Forgery, FalseContradictions) {
  expect_rejected(
      forged([](Forger& f) { f.frame = [](search::FrameProof& proof) { proof.contradiction = true; }; }),
      "contradictory");
}

TEST_F(Forgery, AnotherProblemOnTheCommandLine) {
  ASSERT_EQ(forged([](Forger&) {}).code, 20);
  FiledQuestion& q = *question_;
  const auto with = [&](size_t place, const std::string& word) {
    std::vector<std::string> words = checker_with(q, q.certificate());
    words.at(place) = word;
    return Process(words).wait();
  };
  EXPECT_EQ(with(9, q.threshold + "000").code, 20);  // the same number
  expect_rejected(with(9, "0.9699"), "another limit");
  expect_rejected(with(9, "0.98"), "another limit");
  expect_rejected(with(7, std::to_string(q.label == 0 ? 1 : 0)), "another class");
  expect_rejected(with(13, "1,4,9"), "another shape");
  expect_rejected(with(11, "float32"), "another measure or arithmetic");
  const std::string other = q.folder->file("other.png");
  std::vector<float> brighter = to_floats(q.question.hood.reference);
  for (float& value : brighter) value = value > 0.5F ? value - 0.1F : value + 0.1F;
  image::write_png(other, {q.shape, brighter});
  expect_rejected(with(5, other), "another reference");
  network::Network changed = q.question.net;
  std::get<network::Dense>(changed.nodes[1].op).weight[0] += 0.25;
  const std::string model = q.folder->file("other.pt");
  save(model, changed);
  expect_rejected(with(3, model), "another model");
}

// The proof of one problem with the header of another, which is false.
TEST_F(Forgery, TheHeaderOfAFalseProblem) {
  int forgeries = 0;
  for (const char* threshold : {"0.9", "0.8", "0.6", "0.4"}) {
    FiledQuestion& q = *question_;
    const std::string true_threshold = q.threshold;
    const Question laxer = question(q.question.net, to_floats(q.question.hood.reference), threshold);
    if (verify(laxer).verdict != search::Verdict::kNotRobust) continue;
    ++forgeries;
    certificate::Subject subject = q.subject();
    subject.limit = threshold;
    certificate::Writer writer(q.certificate(), subject);
    ASSERT_FALSE(certify(q, writer, writer).why_not.has_value());
    q.threshold = threshold;
    const Ended ended = check(q);
    q.threshold = true_threshold;
    EXPECT_EQ(ended.code, 1) << ended.out;
  }
  EXPECT_GE(forgeries, 1);
}

TEST_F(Forgery, PointsThatRefuteNothing) {
  FiledQuestion& q = *question_;
  search::Result result;
  result.verdict = search::Verdict::kNotRobust;
  result.counterexamples.push_back({});
  const auto say = [&](const std::vector<double>& point) {
    result.counterexamples.front().values = point;
    certificate::Writer writer(q.certificate(), q.subject());
    EXPECT_FALSE(writer.finish(result).has_value());
    return check(q);
  };
  expect_rejected(say(q.question.hood.reference), "not shown to get a wrong class");
  std::vector<double> far = q.question.hood.reference;
  for (double& value : far) value = 1.0 - value;
  expect_rejected(say(far), "not in the neighbourhood");
  std::vector<double> outside = q.question.hood.reference;
  outside.front() = 1.5;
  expect_rejected(say(outside), "not in the neighbourhood");
  outside.front() = NAN;
  expect_rejected(say(outside), "not finite");
  outside.pop_back();
  EXPECT_EQ(say(outside).code, 1);
}

// A network of another graph with the same shapes: the checksum tells it, and without that the proof would.
TEST(ForgedNetworks, OtherConvolutions) {
  int forged = 0;
  for (uint64_t seed = 1; seed < 40 && forged < 4; ++seed) {
    Rng rng(seed);
    const FiledQuestion q = filed_onnx(rng, 6, 5, true, "0.9995");
    Rng again(seed);
    const std::string other = OnnxWriter(again).convolutional(6, 5, 3, false);
    const std::string file = q.folder->file("other.onnx");
    write_file(file, std::as_bytes(std::span(other)));
    certificate::Subject subject = q.subject();
    subject.model_checksum = certificate::checksum_of_file(file);
    certificate::Writer writer(q.certificate(), subject);
    if (certify(q, writer, writer).result.verdict != search::Verdict::kRobust) continue;
    ++forged;
    std::vector<std::string> words = checker_with(q, q.certificate());
    EXPECT_EQ(Process(words).wait().code, 1);  // it is for another file
    std::replace(words.begin(), words.end(), q.model(), file);
    const Ended ended = Process(words).wait();
    if (ended.code != 1) {  // then it must be a true proof of that network
      const network::Network net = network::load_model(file, q.shape).network;
      EXPECT_EQ(predicted(net, q.question.hood.reference), q.label);
    }
  }
  EXPECT_EQ(forged, 4);
}

// The search may leave a curvature that is not a number, which means none, as 0 does.
TEST(ForgedNetworks, CurvaturesThatAreNone) {
  int changed = 0;
  int proved = 0;
  const auto change = [&changed](std::vector<float>& curve) {
    for (float& value : curve) {
      changed += value == 0.0F ? 1 : 0;
      value = value == 0.0F ? NAN : value;
    }
  };
  Rng rng(85);
  for (int k = 0; k < 8 && proved == 0; ++k) {
    const FiledQuestion q = filed_onnx(rng, 16, 8, false, k % 2 == 0 ? "0.99999" : "0.9999");
    certificate::Writer writer(q.certificate(), q.subject());
    Forger forger(writer);
    forger.leaf = [&change](search::Node& node, int) {
      change(node.curve);
      return true;
    };
    forger.frame = [&change](search::FrameProof& proof) {
      for (search::LayerProof& layer : proof.layers) {
        for (search::NeuronBound& bound : layer.bounds) change(bound.reasons.curve);
      }
    };
    const bool robust = certify(q, writer, forger, 2).result.verdict == search::Verdict::kRobust;
    EXPECT_TRUE(!robust || check(q).code == 20);
    proved += robust && changed > 0 ? 1 : 0;
  }
  EXPECT_EQ(proved, 1);
}

// Neurons that are said to be coupled and cannot be.
TEST_F(Forgery, CoupledNeuronsThatAreNot) {
  const auto couple = [](int32_t neuron) {
    return forged([neuron](Forger& f) {
      f.frame = [neuron](search::FrameProof& proof) {
        if (!proof.layers.empty()) proof.layers.front().coupled = {neuron};
      };
    });
  };
  expect_rejected(couple(39), "not affine");  // of the second layer
  expect_rejected(couple(40), "is not below");
}

}  // namespace
}  // namespace verissim::testing
