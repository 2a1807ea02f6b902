#include "experiment/load_question.h"

#include "base/error.h"
#include "image/read_image.h"

namespace verissim::experiment {
namespace {

Shape input_shape(const network::LoadedModel& model, const std::string& model_file,
                  const std::string& image_file) {
  if (model.input_source != network::InputSource::kFlat) return model.network.input;
  const Shape stored = image::stored_shape(image_file);
  if (stored.size() == model.network.inputs()) return stored;
  throw InputError(model_file, "input",
                   std::to_string(model.network.inputs()) + " values of unknown shape, and " + image_file +
                       " is " + to_string(stored),
                   "the shape as --dimension C,H,W");
}

}  // namespace

LoadedQuestion load_question(const std::string& model_file, const std::string& image_file, int64_t label,
                             const Neighbourhood& neighbourhood, const std::optional<Shape>& dimension) {
  LoadedQuestion result;
  result.model = network::load_model(model_file, dimension);
  const Shape shape = input_shape(result.model, model_file, image_file);
  result.model.network.input = shape;
  image::Image reference = image::load_image(image_file, shape);
  result.question =
      make_question(std::move(result.model.network), std::move(reference), label, neighbourhood);
  return result;
}

}  // namespace verissim::experiment
