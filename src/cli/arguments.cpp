#include "cli/arguments.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"

namespace verissim::cli {
namespace {

using A = Arguments;

constexpr Option kQuiet{.names = "--quiet,-q", .target = &A::quiet, .help = "no progress"};
constexpr Option kJson{.names = "--json", .target = &A::json, .help = "one JSON object on standard output"};
constexpr Option kEvents{.names = "--events",
                         .value = "FILE",
                         .target = &A::events,
                         .help = "write what goes on to this file, one JSON object a line"};
constexpr Option kModel{.names = "--model,-m",
                        .value = "FILE",
                        .target = &A::model,
                        .help = "the network (.onnx, .pt, .safetensors)",
                        .required = true};
constexpr Option kImage{.names = "--image,-i",
                        .value = "FILE",
                        .target = "ri.path",
                        .help = "the reference image (PNG, PPM, NPY); it is resized to the network's input",
                        .required = true};
constexpr Option kClass{.names = "--class,-c",
                        .value = "N",
                        .target = "ri.class_idx",
                        .help = "its class as the number of the network's output, counted from 0",
                        .required = true};
constexpr Option kSsim{
    .names = "--ssim,-t",
    .value = "TAU",
    .target = &A::ssim,
    .help =
        "every image whose SSIM to the reference is at least TAU must get its class; taken "
        "exactly as written (this, --linf or --l2 is required)"};
constexpr Option kLinf{.names = "--linf",
                       .value = "EPS",
                       .target = &A::linf,
                       .help =
                           "instead of --ssim: every image with no value farther than EPS from the "
                           "reference's"};
constexpr Option kL2{.names = "--l2",
                     .value = "EPS",
                     .target = &A::l2,
                     .help = "instead of --ssim: every image whose Euclidean distance is at most EPS"};
constexpr Option kChannels{.names = "--channels", .value = "joint|mean", .target = "minlp.channels"};
constexpr Option kEightBit{
    .names = "--eight-bit",
    .target = &A::eight_bit,
    .help = "only images of 8 bits (every value k/255 as float32) count as counterexamples"};
constexpr Option kArithmetic{.names = "--arithmetic", .value = "exact|float32", .target = "minlp.arithmetic"};
constexpr Option kDimension{
    .names = "--dimension",
    .value = "C,H,W",
    .target = "dimension",
    .help = "shape of the network's input (default: what the model or its file name says)"};
constexpr Option kTimeout{.names = "--timeout", .value = "S", .target = "minlp.timeout"};
constexpr Option kTolerance{.names = "--tolerance", .value = "K", .target = "minlp.tolerance"};
constexpr Option kSeed{.names = "--seed", .value = "N", .target = "seed"};
constexpr Option kThreads{.names = "--threads", .value = "N", .target = "threads"};
constexpr Option kMemoryLimit{.names = "--memory-limit", .value = "MB", .target = "memory_limit_mb"};
constexpr Option kCounterexampleFile{
    .names = "--out,-o",
    .value = "FILE",
    .target = &A::out,
    .help = "write the counterexample: .npy with its exact values, .png rounded"};
constexpr Option kCertificate{.names = "--certificate",
                              .value = "FILE",
                              .target = &A::certificate,
                              .help = "write the proof, or the counterexample, for verissim-check"};
constexpr Option kCheckpoint{
    .names = "--checkpoint",
    .value = "FILE",
    .target = &A::checkpoint,
    .help =
        "keep how far the search is, every minute and when it is stopped; the file is "
        "removed when there is a verdict"};
constexpr Option kCheckpointSeconds{.names = "--checkpoint-every",
                                    .value = "S",
                                    .target = &A::checkpoint_seconds,
                                    .help = "seconds between two checkpoints (default: 60)"};
constexpr Option kResumeSearch{
    .names = "--resume", .target = &A::resume, .help = "go on from the checkpoint's file, if there is one"};
constexpr Option kNetworkFile{.names = "--out,-o",
                              .value = "FILE",
                              .target = &A::out,
                              .help = "where the network goes (.pt)",
                              .required = true};
constexpr Option kDataset{.names = "--dataset", .value = "NAME", .target = "model.dataset", .required = true};
constexpr Option kDataPath{.names = "--data-path", .value = "DIR", .target = "model.data_path"};
constexpr Option kClasses{.names = "--classes", .value = "A,B,...", .target = "model.selected_classes"};

constexpr Option kRunOptions[] = {
    {.names = "CONFIG", .value = "FILE", .target = &A::config, .help = "the experiment's settings (JSON)"},
    {.names = "--print-config",
     .target = &A::print_config,
     .help = "print the settings as used, with defaults filled in, and end"},
    {.names = "--resume",
     .value = "FOLDER",
     .target = &A::resumed_run,
     .help = "go on with the run of this folder, which was interrupted"},
    {.names = "--list-keys", .target = &A::list_keys, .help = "print a table of all settings, and end"},
    kEvents,
    kQuiet,
    kJson,
};

constexpr Option kVerifyOptions[] = {
    kModel,
    kImage,
    kClass,
    kSsim,
    kLinf,
    kL2,
    kChannels,
    kEightBit,
    kArithmetic,
    kDimension,
    kTimeout,
    kThreads,
    kSeed,
    kMemoryLimit,
    kTolerance,
    kCounterexampleFile,
    kCertificate,
    kCheckpoint,
    kCheckpointSeconds,
    kResumeSearch,
    kEvents,
    kQuiet,
    kJson,
};

constexpr Option kThresholdOptions[] = {
    kModel,
    kImage,
    kClass,
    {.names = "--measure",
     .value = "ssim|linf|l2",
     .target = "minlp.distance",
     .help = "how images are compared: global SSIM, largest difference of a value, Euclidean distance"},
    kChannels,
    {.names = "--gap",
     .value = "G",
     .target = &A::gap,
     .help = "end when 1 - SSIM (or the distance) of what is refuted exceeds that of what is proved by this "
             "share "
             "at most"},
    kArithmetic,
    kDimension,
    {.names = "--timeout", .value = "S", .target = "minlp.timeout", .help = "time limit in seconds; 0: none"},
    kThreads,
    {.names = "--seed",
     .value = "N",
     .target = "seed",
     .help = "of all random numbers; which limits are reached still depends on the clock"},
    kMemoryLimit,
    kTolerance,
    {.names = "--out,-o",
     .value = "FILE",
     .target = &A::out,
     .help = "write the closest counterexample: .npy with its exact values, .png rounded"},
    kEvents,
    kQuiet,
    kJson,
};

constexpr Option kAttackOptions[] = {
    kModel,
    kImage,
    kClass,
    kSsim,
    kLinf,
    kL2,
    kChannels,
    kEightBit,
    kArithmetic,
    kDimension,
    {.names = "--restarts",
     .value = "N",
     .target = &A::restarts,
     .help = "random starting points for each rival class"},
    {.names = "--steps", .value = "N", .target = &A::steps, .help = "ascent steps from each starting point"},
    {.names = "--wanted",
     .value = "N",
     .target = &A::wanted,
     .help = "stop when that many counterexamples were found"},
    {.names = "--timeout", .value = "S", .target = "minlp.timeout", .help = "time limit in seconds; 0: none"},
    kSeed,
    kCounterexampleFile,
    kQuiet,
    kJson,
};

constexpr Option kTrainOptions[] = {
    kDataset,
    {.names = "--dimension", .value = "C,H,W", .target = "dimension", .required = true},
    {.names = "--hidden", .value = "A,B,...", .target = "model.hidden_layer", .required = true},
    kNetworkFile,
    kDataPath,
    kClasses,
    {.names = "--epochs", .value = "N", .target = "model.epochs"},
    {.names = "--batch-size", .value = "N", .target = "model.batch_size"},
    kSeed,
    kQuiet,
    kJson,
};

constexpr Option kRepairOptions[] = {
    kModel,
    {.names = "--image,-i",
     .value = "FILE",
     .target = "ri.path",
     .help =
         "the reference image (PNG, PPM, NPY); it is resized to the network's input (this, --references or "
         "--first is required)",
     .needs = "--class"},
    {.names = "--class,-c",
     .value = "N",
     .target = "ri.class_idx",
     .help = "its class as the number of the network's output, counted from 0",
     .needs = "--image"},
    {.names = "--references",
     .value = "FILE",
     .target = "ri.csv",
     .help = "instead of --image: a CSV file with the columns path, class_idx and, where wanted, threshold; "
             "paths "
             "are relative to its folder"},
    {.names = "--first",
     .value = "N",
     .target = "ri.first",
     .help = "instead of --image: the first N test images that the network classifies correctly"},
    {.names = "--first-classes",
     .value = "A,B,...",
     .target = "ri.classes",
     .help = "with --first: only images of these classes, by the numbers of the network's outputs",
     .needs = "--first"},
    kSsim,
    kLinf,
    kL2,
    kChannels,
    kArithmetic,
    kDataset,
    kNetworkFile,
    kDimension,
    kDataPath,
    kClasses,
    {.names = "--method", .value = "NAME", .target = "repair.method"},
    {.names = "--min-accuracy", .value = "X", .target = "repair.min_accuracy"},
    {.names = "--keep-outputs", .value = "X", .target = "repair.keep_outputs"},
    {.names = "--keep-weights", .value = "X", .target = "repair.keep_weights"},
    {.names = "--layers", .value = "A,B,...", .target = "repair.layers"},
    {.names = "--budget", .value = "S", .target = "repair.budget"},
    {.names = "--batch-size", .value = "N", .target = "repair.batch_size"},
    {.names = "--lr", .value = "X", .target = "repair.lr"},
    {.names = "--penalty-increase", .value = "X", .target = "repair.penalty_increase"},
    {.names = "--margin", .value = "X", .target = "repair.margin"},
    {.names = "--max-rounds", .value = "N", .target = "repair.max_rounds"},
    {.names = "--max-epochs", .value = "N", .target = "repair.max_epochs"},
    {.names = "--repair-timeout", .value = "S", .target = "repair.timeout"},
    kTimeout,
    kThreads,
    kSeed,
    kMemoryLimit,
    kTolerance,
    kEvents,
    kQuiet,
    kJson,
};

constexpr Option kSsimOptions[] = {
    {.names = "A",
     .value = "FILE",
     .target = "ri.path",
     .help = "an image (PNG, PPM, NPY)",
     .required = true},
    {.names = "B",
     .value = "FILE",
     .target = &A::second_image,
     .help = "another of the same shape",
     .required = true},
    {.names = "--convention",
     .value = "NAME",
     .target = &A::convention,
     .help = "only this convention's value, as a bare number (default: all of them in a table)"},
    kJson,
};

constexpr Option kVnncompOptions[] = {
    {.names = "NETWORK",
     .value = "FILE",
     .target = &A::model,
     .help = "the network (.onnx, or another format; gzip is unpacked)",
     .required = true},
    {.names = "PROPERTY",
     .value = "FILE",
     .target = &A::property,
     .help = "the property (.vnnlib, version 1 or 2.0; gzip is unpacked)",
     .required = true},
    {.names = "--out,-o",
     .value = "FILE",
     .target = &A::out,
     .help = "write the result to this file as well: sat with the counterexample, unsat, timeout, unknown "
             "or error"},
    {.names = "--timeout", .value = "S", .target = "minlp.timeout", .help = "time limit in seconds; 0: none"},
    kThreads,
    kSeed,
    kMemoryLimit,
    kTolerance,
    kQuiet,
};

constexpr Option kInfoOptions[] = {
    {.names = "MODEL",
     .value = "FILE",
     .target = &A::model,
     .help = "a network (.onnx, .pt, .safetensors)",
     .required = true},
    kDimension,
    kJson,
};

constexpr Option kReportOptions[] = {
    {.names = "FOLDER",
     .value = "FOLDER...",
     .target = &A::folders,
     .help = "folders of runs: of one, its page is written anew; several are compared",
     .required = true},
    {.names = "--out,-o",
     .value = "FILE",
     .target = &A::out,
     .help =
         "the page (default: report.html in the run's folder, comparison.html in the current one for several "
         "runs)"},
    kJson,
};

constexpr Command kCommands[] = {
    {CommandName::kRun, "run", "Carry out an experiment: train or load, verify, repair, verify again",
     "verissim run examples/fashion-mnist.json", kRunOptions},
    {CommandName::kVerify, "verify", "Prove or refute that a network is robust around an image",
     "verissim verify --model model_i1x4x4_l6-6-6_o5.pt --image 3.png --class 1 --ssim 0.98", kVerifyOptions},
    {CommandName::kThreshold, "threshold",
     "Enclose the SSIM down to which a network is robust around an image",
     "verissim threshold --model model_i1x4x4_l6-6-6_o5.pt --image 3.png --class 1 --timeout 10",
     kThresholdOptions},
    {CommandName::kAttack, "attack", "Look for counterexamples only",
     "verissim attack --model model_i1x4x4_l6-6-6_o5.pt --image 3.png --class 1 --ssim 0.9 --out found.npy",
     kAttackOptions},
    {CommandName::kTrain, "train", "Train a network",
     "verissim train --dataset MNIST --dimension 1,4,4 --classes 1,3,5,7,9 --hidden 6,6,6 --out model.pt",
     kTrainOptions},
    {CommandName::kRepair, "repair", "Change a network until it is provably robust around images",
     "verissim repair --model model.pt --image 3.png --class 1 --ssim 0.98 --dataset MNIST "
     "--classes 1,3,5,7,9 --out repaired.pt",
     kRepairOptions},
    {CommandName::kSsim, "ssim", "SSIM of two images by the conventions in use", "verissim ssim a.png b.png",
     kSsimOptions},
    {CommandName::kVnncomp, "vnncomp", "Answer a VNN-LIB property as in the verification competition",
     "verissim vnncomp network.onnx property.vnnlib --timeout 60 --out result.txt", kVnncompOptions},
    {CommandName::kReport, "report", "Write the page of a run, or compare several",
     "verissim report results/*", kReportOptions},
    {CommandName::kInfo, "info", "What a model file holds", "verissim info model_i1x4x4_l6-6-6_o5.pt",
     kInfoOptions},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command& command_called(CommandName name) {
  const auto* found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&](const Command& c) { return c.name == name; });
  VERISSIM_CHECK(found != std::end(kCommands));
  return *found;
}

}  // namespace verissim::cli
