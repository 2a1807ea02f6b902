// A run that is interrupted at any of its steps, and gone on with, ends as if it had not been.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "experiment/experiment.h"
#include "experiment/small_inputs.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;

// Interrupts at the step of this number, counted from 1; never if it is 0.
class InterruptAt : public Listener {
 public:
  explicit InterruptAt(int64_t step) : step_(step) {}

  void on_note(std::string_view) override { count(); }
  void on_folder(const std::string&) override { count(); }
  void on_verified(const Round&) override { count(); }
  void on_repaired(const Round&) override { count(); }
  void on_final(const search::Result&) override { count(); }
  void on_activity(std::string_view) override { count(); }
  void on_progress(const search::Progress&) override { count(); }

  int64_t steps() const { return steps_; }
  InterruptFlag flag;

 private:
  void count() {
    if (++steps_ == step_) flag.set();
  }
  int64_t step_;
  int64_t steps_ = 0;
};

class Interrupted : public ::testing::Test {
 protected:
  Interrupted() {
    testing::write_small_mnist(folder_.file("data"), 60, 4);
    write_reference(200, 80);
    fs::create_directories(folder_.file("models"));
    network::save_model(folder_.file("models/model_i1x4x4_l12-12_o2.pt"),
                        testing::random_mlp({1, 4, 4}, {12, 12}, 2, 4));
    config_.path = folder_.file("results");
    config_.dimension = {1, 4, 4};
    config_.reference_path = folder_.file("reference.png");
    config_.reference_class = 1;
    config_.dataset = "MNIST";
    config_.hidden_layers = {12, 12};
    config_.model_path = folder_.file("models");
    config_.data_path = folder_.file("data");
    config_.selected_classes = {3, 4};
    config_.threshold = Decimal::parse("0.9", "threshold");
    config_.repair_method = "last-layer";
    config_.repair_margin = 2.0;  // more than is needed: the step can be shortened
    config_.repair_unseen = 2;
    config_.threads = 1;
  }

  void write_reference(int above, int below) const {
    image::Image reference{{1, 4, 4}, {}};
    for (int i = 0; i < 16; ++i)
      reference.values.push_back(static_cast<float>((i < 8 ? above : below) + i) / 255.0F);
    image::write_png(folder_.file("reference.png"), reference);
  }

  // What must not depend on interrupts.
  struct End {
    std::string verdict, network;
    size_t rounds, candidates;
    int64_t unseen;
    std::set<std::string> files;
    bool operator==(const End&) const = default;
  };

  static End end_of(const Outcome& outcome) {
    const Report& report = outcome.report;
    End end{search::to_string(report.verdict), "none", report.rounds.size(), report.candidates.size(), 0, {}};
    const std::string network = outcome.folder + "/repaired_model.pt";
    if (fs::exists(network)) end.network = sha256_of_file(network);
    if (report.cost) end.unseen = report.cost->same_classes.images + report.cost->other_classes.images;
    for (const auto& entry : fs::directory_iterator(outcome.folder))
      end.files.insert(entry.path().filename());
    return end;
  }

  void interrupt_everywhere(const End& whole, int64_t steps, int64_t most) const;

  Outcome run(InterruptAt& listener) const { return run_experiment(config_, {}, &listener.flag, listener); }

  testing::TemporaryFolder folder_;
  Config config_;
};

// Interrupts at every step, or at some `most` of them, and goes on.
void Interrupted::interrupt_everywhere(const End& whole, int64_t steps, int64_t most) const {
  int cut = 0;
  const int64_t stride = 1 + (steps - 1) / most;
  for (int64_t step = 1; step <= steps; step += stride) {
    SCOPED_TRACE("interrupted at step " + std::to_string(step));
    InterruptAt listener(step);
    Outcome outcome = run(listener);
    if (outcome.folder.empty()) continue;
    if (!outcome.report.finished) {
      ++cut;
      InterruptAt later(0);
      outcome = resume_experiment(outcome.folder, {}, &later.flag, later);
    }
    EXPECT_TRUE(outcome.report.finished);
    EXPECT_TRUE(end_of(outcome) == whole);
  }
  EXPECT_GE(cut, steps / stride / 2);
}

TEST_F(Interrupted, ARepairWithManyStepsEndsAsItWouldHave) {
  InterruptAt never(0);
  const End whole = end_of(run(never));
  ASSERT_EQ(whole.verdict, "robust");
  ASSERT_GE(whole.rounds, 2U) << "nothing is repaired";
  ASSERT_GE(whole.candidates, 2U) << "no step was shortened";
  ASSERT_EQ(whole.unseen, 2);
  interrupt_everywhere(whole, never.steps(), 30);
}

// Where proofs take no time, an interrupt does not prevent them.
TEST_F(Interrupted, AnEasyRepairEndsAsItWouldHave) {
  config_.threshold = Decimal::parse("0.999", "threshold");
  config_.repair_unseen = 0;  // the run is over with the proof
  InterruptAt never(0);
  const End whole = end_of(run(never));
  ASSERT_EQ(whole.verdict, "robust");
  ASSERT_GE(whole.candidates, 3U);
  interrupt_everywhere(whole, never.steps(), 25);
}

// What is not accurate enough would still have been made better.
TEST_F(Interrupted, AnInaccurateRepairEndsAsItWouldHave) {
  write_reference(80, 200);  // what the data give the other class
  config_.repair_min_accuracy = 1.0;
  config_.repair_unseen = 0;
  InterruptAt never(0);
  const Outcome outcome = run(never);
  ASSERT_EQ(outcome.status, repair::Status::kInaccurate);
  ASSERT_GE(outcome.report.candidates.size(), 2U);
  interrupt_everywhere(end_of(outcome), never.steps(), 25);
}

TEST_F(Interrupted, ARepairOfSeveralReferencesEndsAsItWouldHave) {
  fs::rename(folder_.file("reference.png"), folder_.file("first.png"));
  write_reference(80, 200);
  config_.reference_list = {{folder_.file("first.png"), 1, {}}, {folder_.file("reference.png"), 0, {}}};
  config_.reference_path.clear();
  config_.repair_unseen = 0;
  InterruptAt never(0);
  const End whole = end_of(run(never));
  ASSERT_EQ(whole.verdict, "robust");
  ASSERT_GE(whole.rounds, 2U) << "nothing is repaired";
  ASSERT_TRUE(whole.files.contains("proof_002.certificate"));
  interrupt_everywhere(whole, never.steps(), 15);
}

TEST_F(Interrupted, TensorBoardsFileIsWrittenAnew) {
  config_.tensorboard = true;
  InterruptAt never(0);
  const End whole = end_of(run(never));
  ASSERT_GT(never.steps(), 4);
  interrupt_everywhere(whole, never.steps(), 4);
}

TEST_F(Interrupted, ANetworkThatWasNotProvedIsRemoved) {
  write_reference(80, 200);
  config_.repair_min_accuracy = 1.0;
  InterruptAt never(0);
  const End whole = end_of(run(never));
  ASSERT_EQ(whole.network, "none");
  InterruptAt early(6);
  const Outcome cut = run(early);
  ASSERT_FALSE(cut.report.finished);
  network::save_model(cut.folder + "/repaired_model.pt", testing::random_mlp({1, 4, 4}, {12, 12}, 2, 5));
  InterruptAt later(0);
  EXPECT_TRUE(end_of(resume_experiment(cut.folder, {}, &later.flag, later)) == whole);
}

TEST_F(Interrupted, FilesThatAreOthersNowAreRefused) {
  InterruptAt never(0);
  const End whole = end_of(run(never));
  InterruptAt early(6);
  const Outcome cut = run(early);
  ASSERT_FALSE(cut.report.finished);
  const auto resume = [&] {
    InterruptAt later(0);
    return resume_experiment(cut.folder, {}, &later.flag, later);
  };
  write_reference(201, 80);
  EXPECT_THROW(resume(), InputError);
  write_reference(200, 80);
  const std::string model = folder_.file("models/model_i1x4x4_l12-12_o2.pt");
  network::save_model(model, testing::random_mlp({1, 4, 4}, {12, 12}, 2, 5));
  EXPECT_THROW(resume(), InputError);
  network::save_model(model, testing::random_mlp({1, 4, 4}, {12, 12}, 2, 4));
  EXPECT_TRUE(end_of(resume()) == whole);
}

// The current folder is another one while this lives.
class Elsewhere {
 public:
  explicit Elsewhere(const fs::path& folder) { fs::current_path(folder); }
  ~Elsewhere() { fs::current_path(before_); }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;

 private:
  fs::path before_ = fs::current_path();
};

// A run whose paths are relative and count from the folder "project".
class InterruptedProject : public Interrupted {
 protected:
  InterruptedProject() {
    fs::create_directory(project_);
    for (const char* name : {"data", "models", "reference.png"})
      fs::rename(folder_.file(name), project_ / name);
    fs::create_directories(project_ / "classes/1");
    fs::copy(project_ / "reference.png", project_ / "classes/1/image.png");
    write_text_file(project_ / "references.csv", "path,class_idx\nreference.png,1\n");
    config_.path = "results";
    config_.model_path = "models";
    config_.data_path = "data";
    config_.reference_path = "reference.png";
  }

  Outcome run_there(InterruptAt& listener) const {
    const Elsewhere there(project_);
    Outcome outcome = run(listener);
    outcome.folder = fs::absolute(outcome.folder);
    return outcome;
  }

  Outcome interrupted() const {
    InterruptAt early(6);
    Outcome cut = run_there(early);
    EXPECT_FALSE(cut.report.finished);
    return cut;
  }

  static Outcome resume(const fs::path& run) {
    InterruptAt later(0);
    return resume_experiment(run, {}, &later.flag, later);
  }

  // A folder with files of the same names, which are others.
  fs::path others() const {
    const fs::path folder = folder_.file("others");
    fs::create_directories(folder / "models");
    fs::create_directories(folder / "classes/1");
    network::save_model(folder / "models/model_i1x4x4_l12-12_o2.pt",
                        testing::random_mlp({1, 4, 4}, {12, 12}, 2, 9));
    testing::write_small_mnist(folder / "data", 30, 4);
    image::write_png(folder / "reference.png", testing::small_image());
    image::write_png(folder / "classes/1/image.png", testing::small_image());
    write_text_file(folder / "references.csv", "path,class_idx\nreference.png,0\n");
    return folder;
  }

  void expect_the_same_end_from_others() const {
    InterruptAt never(0);
    const End whole = end_of(run_there(never));
    const Outcome cut = interrupted();
    const Elsewhere elsewhere(others());
    const Outcome outcome = resume(cut.folder);
    EXPECT_TRUE(end_of(outcome) == whole);
    ASSERT_EQ(outcome.report.files.size(), cut.report.files.size());
    for (size_t i = 0; i < cut.report.files.size(); ++i)
      EXPECT_EQ(outcome.report.files[i].path, cut.report.files[i].path) << "named as the user named it";
    EXPECT_EQ(outcome.report.references[0].name, cut.report.files[0].path);
  }

  fs::path project_ = folder_.file("project");
};

TEST_F(InterruptedProject, MeansTheSameFilesWhereverItIsGoneOnWith) { expect_the_same_end_from_others(); }

TEST_F(InterruptedProject, MeansTheSameListOfReferences) {
  config_.reference_list = {{config_.reference_path, 1, {}}};
  config_.reference_path.clear();
  expect_the_same_end_from_others();
}

TEST_F(InterruptedProject, MeansTheSameTableOfReferences) {
  config_.reference_path.clear();
  config_.reference_csv = "references.csv";
  expect_the_same_end_from_others();
}

TEST_F(InterruptedProject, MeansTheSameFolderOfReferences) {
  config_.reference_path.clear();
  config_.reference_folder = "classes";
  expect_the_same_end_from_others();
}

TEST_F(InterruptedProject, OtherReferencesAreRefused) {
  config_.reference_path.clear();
  config_.reference_csv = "references.csv";
  const Outcome by_table = interrupted();
  write_text_file(project_ / "references.csv", "path,class_idx\nreference.png,0\n");
  EXPECT_THROW(resume(by_table.folder), InputError) << "another class";
  config_.reference_csv.clear();
  config_.reference_folder = "classes";
  const Outcome by_folder = interrupted();
  image::write_png(project_ / "classes/1/second.png", testing::small_image());
  EXPECT_THROW(resume(by_folder.folder), InputError) << "one more";
  fs::rename(project_ / "classes/1/image.png", project_ / "classes/1/second.png");
  EXPECT_THROW(resume(by_folder.folder), InputError) << "another name";
  fs::rename(project_ / "classes/1/second.png", project_ / "classes/1/image.png");
  EXPECT_EQ(resume(by_folder.folder).report.verdict, search::Verdict::kRobust);
}

// Another one would be trained.
TEST_F(InterruptedProject, ANetworkThatIsGoneIsMissed) {
  const Outcome cut = interrupted();
  fs::rename(project_ / "models", project_ / "hidden");
  EXPECT_THROW(resume(cut.folder), InputError);
  EXPECT_FALSE(fs::exists(project_ / "models")) << "nothing was made";
  fs::rename(project_ / "hidden", project_ / "models");
  EXPECT_EQ(resume(cut.folder).report.verdict, search::Verdict::kRobust);
}

TEST_F(InterruptedProject, ARunsFolderMayMove) {
  const Outcome cut = interrupted();
  const fs::path moved = folder_.file("moved");
  fs::rename(cut.folder, moved);
  const Elsewhere elsewhere(others());
  EXPECT_EQ(resume(moved).report.verdict, search::Verdict::kRobust);
}

// Where the folder of before is no more, the current one counts, and from then on wherever it is called.
TEST_F(InterruptedProject, AllOfItMayMove) {
  const Outcome cut = interrupted();
  const fs::path run = folder_.file("moved") / fs::relative(cut.folder, project_);
  fs::rename(project_, folder_.file("moved"));
  {
    const Elsewhere elsewhere(others());
    EXPECT_THROW(resume(run), InputError) << "other files";
  }
  {
    const Elsewhere there(folder_.file("moved"));
    InterruptAt early(6);
    EXPECT_FALSE(resume_experiment(run, {}, &early.flag, early).report.finished);
  }
  const Elsewhere elsewhere(others());
  EXPECT_EQ(resume(run).report.verdict, search::Verdict::kRobust);
}

// Looks whether there is a page while the run is at work.
class PageSeen : public InterruptAt {
 public:
  PageSeen() : InterruptAt(0) {}
  void on_folder(const std::string& folder) override { page_ = folder + "/report.html"; }
  void on_verified(const Round&) override { seen |= fs::exists(page_), ++verified; }
  bool seen = false;
  int verified = 0;

 private:
  std::string page_;
};

// Killed between its last report and its page, it would be finished with the page of the interrupted run.
TEST_F(Interrupted, ThePageOfBeforeIsGoneWhileItGoesOn) {
  InterruptAt early(6);
  const Outcome cut = run(early);
  ASSERT_FALSE(cut.report.finished);
  ASSERT_TRUE(fs::exists(cut.folder + "/report.html"));
  PageSeen later;
  EXPECT_TRUE(resume_experiment(cut.folder, {}, &later.flag, later).report.finished);
  EXPECT_GT(later.verified, 0);
  EXPECT_FALSE(later.seen);
  EXPECT_TRUE(fs::exists(cut.folder + "/report.html"));
}

// Leaves no room for the page.
class NoPage : public InterruptAt {
 public:
  NoPage() : InterruptAt(0) {}
  void on_folder(const std::string& folder) override {
    page = folder + "/report.html";
    fs::create_directories(page);
  }
  std::string page;
};

TEST_F(Interrupted, ARunWithoutItsPageIsGoneOnWith) {
  NoPage listener;
  EXPECT_THROW(run(listener), InputError);
  fs::remove(listener.page);
  InterruptAt later(0);
  const std::string folder = fs::path(listener.page).parent_path();
  const Outcome outcome = resume_experiment(folder, {}, &later.flag, later);
  EXPECT_TRUE(outcome.report.finished);
  EXPECT_EQ(outcome.report.verdict, search::Verdict::kRobust);
  EXPECT_TRUE(fs::is_regular_file(listener.page));
  EXPECT_FALSE(fs::exists(folder + "/states"));
  // Killed in its very last moment it would have left them.
  fs::create_directories(folder + "/states/more");
  write_text_file(folder + "/states/training", "anything");
  EXPECT_THROW(resume_experiment(folder, {}, &later.flag, later), InputError) << "it is finished";
  EXPECT_FALSE(fs::exists(folder + "/states")) << "litter";
}

}  // namespace
}  // namespace verissim::experiment
