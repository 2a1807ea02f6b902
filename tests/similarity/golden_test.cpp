// SSIM values of other programs.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "similarity/pairs.h"
#include "similarity/ssim.h"

namespace verissim::similarity {
namespace {

// Evaluated with NumPy from the formula, one row a pair and one column a convention in the table's order.
constexpr double kGolden[4][9] = {
    {0.9672639188623998, 0.9672639188623998, 0.9196044534026808, 0.9431994565658512, 0.9195881221389548,
     0.9056631889105057, 0.9056631888190054, 0.9196044533210954, 0.9088742434448511},
    {0.8863713168058248, 0.8858890256136828, 0.7460224370847993, 0.8154762113792966, 0.7459811503787329,
     0.7297682407522004, 0.729768240701301, 0.7460224370293186, 0.7312831587352872},
    {0.8521083139282402, 0.8528112651784386, 0.8077319198057475, 0.813932474485716, 0.8076942857511553,
     0.8024409450539821, 0.8024409449920636, 0.8077319197378999, 0.8020781794605402},
    {-0.059803634940390885, -0.059803634940390885, -0.40092747955398567, -0.15886516765299966,
     -0.4009862399828708, -0.0635606579791564, -0.06356065797826577, -0.40092747955003194,
     -0.03381807845950709}};

// How the file of golden values calls them.
const std::map<std::string, Convention> kFileNames = {
    {"global_population_joint (original tool)", Convention::kGlobal},
    {"global_per_channel(spec only)", Convention::kGlobalPerChannel},
    {"wang2004", Convention::kWang},
    {"tf.image.ssim", Convention::kWang},
    {"piq(small image)", Convention::kWang},
    {"pytorch_msssim", Convention::kWang},
    {"skimage_wang", Convention::kWang},
    {"torchmetrics<1.5(spec only)", Convention::kWang},
    {"skimage_default", Convention::kSkimage},
    {"skimage_gaussian_default", Convention::kSkimageGaussian},
    {"torchmetrics>=1.5", Convention::kTorchmetrics},
    {"kornia_same_w11", Convention::kKorniaSame},
    {"kornia_valid_w11", Convention::kKorniaValid},
    {"matlab_toolbox_ssim(spec only)", Convention::kMatlab}};

TEST(Golden, EveryConventionOnEveryPair) {
  const std::vector<Pair> pairs = golden_pairs();
  ASSERT_EQ(conventions().size(), std::size(kGolden[0]));
  for (size_t i = 0; i < pairs.size(); ++i) {
    for (const ConventionRow& row : conventions()) {
      const double value = ssim(pairs[i].a, pairs[i].b, pairs[i].shape, row.convention);
      EXPECT_NEAR(value, kGolden[i][static_cast<size_t>(row.convention)], 1e-12)
          << row.name << ", " << pairs[i].name;
    }
  }
}

TEST(Golden, EveryFormulaValueOfTheFile) {
  const char* shared = std::getenv("VERISSIM_SHARED_DATA");
  const std::string folder =
      shared != nullptr ? shared : std::string(VERISSIM_SOURCE_DIR) + "/../shared/data";
  const std::string path = folder + "/ssim-golden.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  std::ifstream in(path);
  const nlohmann::json golden = nlohmann::json::parse(in);
  size_t compared = 0;
  for (const Pair& pair : golden_pairs()) {
    for (const auto& [name, values] : golden.at(pair.name).items()) {
      if (values.at(1).is_null()) continue;
      ASSERT_TRUE(kFileNames.contains(name)) << name;
      const double value = ssim(pair.a, pair.b, pair.shape, kFileNames.at(name));
      EXPECT_NEAR(value, values.at(1).get<double>(), 1e-12) << name << ", " << pair.name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 4 * kFileNames.size() - 1);  // the smallest pair is too small for one of them
}

}  // namespace
}  // namespace verissim::similarity
