#include <nlohmann/json.hpp>
#include <optional>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "network/describe.h"
#include "network/model_file.h"

namespace verissim::cli {
namespace {

using json = nlohmann::ordered_json;

bool input_known(const network::LoadedModel& model) {
  return model.input_source != network::InputSource::kFlat;
}

std::string info_json(const network::LoadedModel& model) {
  json layers = json::array();
  for (const auto& layer : network::summarize(model.network)) {
    layers.push_back({{"name", layer.name},
                      {"kind", layer.kind},
                      {"inputs", layer.inputs},
                      {"outputs", layer.outputs},
                      {"parameters", layer.parameters},
                      {"smallest", layer.smallest},
                      {"largest", layer.largest}});
  }
  const Shape& shape = model.network.input;
  return json{{"format", model.format},
              {"sha256", model.digest},
              {"inputs", model.network.inputs()},
              {"dimension",
               input_known(model) ? json{shape.channels, shape.height, shape.width} : json(nullptr)},
              {"outputs", model.network.outputs()},
              {"relus", model.network.relus()},
              {"parameters", model.network.parameters()},
              {"hidden_layer", network::hidden_sizes(model.network)},
              {"layers", layers},
              {"notes", model.notes}}
             .dump() +
         "\n";
}

std::string info_text(const std::string& file, const network::LoadedModel& model) {
  Facts lines = {{"format", model.format}, {"sha256", model.digest}};
  if (!input_known(model))
    lines.emplace_back("input", "the file says its size, not its shape (--dimension C,H,W)");
  for (const auto& layer : network::summarize(model.network)) {
    std::string text =
        layer.kind + " " + std::to_string(layer.inputs) + " -> " + std::to_string(layer.outputs);
    if (layer.parameters > 0) {
      text += ", " + format_count(layer.parameters, "parameter") + " from " + format_number(layer.smallest) +
              " to " + format_number(layer.largest);
    }
    lines.emplace_back(layer.name, text);
  }
  for (const std::string& note : model.notes) lines.emplace_back("note", note);
  return file + ": " + describe_network(model.network) + ".\n\n" + format_facts(lines);
}

}  // namespace

int info_command(const Arguments& arguments, Context&) {
  const Shape& dimension = arguments.settings.dimension;
  const auto given = dimension.size() > 0 ? std::optional(dimension) : std::nullopt;
  const network::LoadedModel model = network::load_model(arguments.model, given);
  print(arguments.json ? info_json(model) : info_text(arguments.model, model));
  return kNoVerdict;
}

}  // namespace verissim::cli
