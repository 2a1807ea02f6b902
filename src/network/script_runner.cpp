#include "network/script_runner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int kMostLevels = 1000;          // of expressions, blocks and calls within each other
constexpr int64_t kMostSteps = 2'000'000;  // statements and expressions

// "__torch__.a.b" and "C" of "__torch__.a.b.C"
std::pair<std::string, std::string> split_last(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string code_part(std::string module) {
  std::replace(module.begin(), module.end(), '.', '/');
  return "code/" + module + ".py";
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

class Level {
 public:
  explicit Level(int& level) : level_(level) { ++level_; }
  ~Level() { --level_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  int& level_;
};

}  // namespace

struct ScriptRunner::Frame {
  std::string part;
  std::string site;
  std::map<std::string, ScriptValue> variables;
  ScriptValue result;
};

InputError ScriptRunner::error(const Frame& frame, int64_t line, const std::string& got,
                               const std::string& wanted) const {
  const std::string module = frame.site.empty() ? "" : " (module " + quote(frame.site) + ")";
  return {file_.file(), frame.part + ", line " + std::to_string(line) + module, got, wanted};
}

Signal ScriptRunner::run(const PickleObject& root, const Signal& input) {
  const auto [module, type] = split_last(root.type);
  const InputError unknown(file_.file(), code_part(module), "no function forward", "one");
  if (!module.starts_with("__torch__")) throw unknown;
  function(module, type + ".forward");
  // Those of other modules are called by the code of who calls them.
  if (modules_.at(module).contains(type + ".__forward_hooks__")) {
    throw InputError(file_.file(), code_part(module), "hooks of " + root.type, "a module without hooks");
  }
  ScriptValue result = call(module, type + ".forward", {{ScriptObject{&root, ""}}, {ScriptTensor{input, 0}}},
                            {"", ""}, "", unknown);
  const auto* tensor = result.as<ScriptTensor>();
  if (tensor == nullptr || tensor->signal.node == 0) {
    throw InputError(file_.file(), code_part(module), "a forward function that gives " + describe(result),
                     "one tensor that layers compute");
  }
  if (world_.overwritten.contains(tensor->storage)) {
    throw InputError(file_.file(), code_part(module), "an output that was overwritten in place",
                     "one that was not");
  }
  return tensor->signal;
}

const ScriptFunction& ScriptRunner::function(const std::string& module, const std::string& name) {
  auto found = modules_.find(module);
  if (found == modules_.end()) {
    const std::string part = code_part(module);
    found = modules_.emplace(module, parse_script(file_.file(), part, file_.code(part))).first;
  }
  const auto entry = found->second.find(name);
  if (entry == found->second.end()) {
    throw InputError(file_.file(), code_part(module), "no function " + quote(name), "one");
  }
  return entry->second;
}

ScriptValue ScriptRunner::call(const std::string& module, const std::string& name,
                               std::vector<ScriptValue> arguments, const std::vector<std::string>& names,
                               const std::string& site, const InputError& unknown) {
  if (!module.starts_with("__torch__")) throw unknown;
  const ScriptFunction& called = function(module, name);
  Frame frame{code_part(module), site, {}, {}};
  size_t place = 0;
  for (size_t k = 0; k < arguments.size(); ++k) {
    const bool by_place = names[k].empty();
    if (by_place && place >= called.parameters.size()) throw unknown;
    const std::string& parameter = by_place ? called.parameters[place++].name : names[k];
    frame.variables[parameter] = std::move(arguments[k]);
  }
  for (const ScriptParameter& parameter : called.parameters) {
    if (frame.variables.contains(parameter.name)) continue;
    if (!parameter.has_default) throw unknown;
    frame.variables[parameter.name] = evaluate(frame, parameter.otherwise);
  }
  run_block(frame, called.body);
  return std::move(frame.result);
}

// Whether the function has returned.
bool ScriptRunner::run_block(Frame& frame, const std::vector<ScriptStatement>& statements) {
  const Level level(level_);
  if (level_ > kMostLevels) throw InputError(file_.file(), frame.part, "code without end", "less");
  return std::any_of(statements.begin(), statements.end(),
                     [&](const ScriptStatement& statement) { return run_statement(frame, statement); });
}

bool ScriptRunner::run_statement(Frame& frame, const ScriptStatement& statement) {
  switch (statement.kind) {
    case ScriptStatementKind::kPass:
      return false;
    case ScriptStatementKind::kExpression:
      evaluate(frame, statement.value);
      return false;
    case ScriptStatementKind::kAssign:
      assign(frame, statement, evaluate(frame, statement.value));
      return false;
    case ScriptStatementKind::kReturn:
      frame.result = evaluate(frame, statement.value);
      return true;
    case ScriptStatementKind::kLoop:
      throw error(frame, statement.line, "a loop", "code without loops");
    case ScriptStatementKind::kIf:
      break;
  }
  const ScriptValue condition = evaluate(frame, statement.value);
  const auto* known = condition.as<bool>();
  if (known == nullptr) {
    throw error(frame, statement.line, "a condition that is " + describe(condition), "one that is known");
  }
  return run_block(frame, *known ? statement.body : statement.otherwise);
}

void ScriptRunner::assign(Frame& frame, const ScriptStatement& statement, const ScriptValue& value) const {
  if (!statement.unpacks) {
    frame.variables[statement.targets.front()] = value;
    return;
  }
  const auto* list = value.as<ScriptList>();
  if (list == nullptr || list->items->size() != statement.targets.size()) {
    throw error(frame, statement.line, describe(value),
                "a list of " + std::to_string(statement.targets.size()) + " values");
  }
  for (size_t k = 0; k < statement.targets.size(); ++k) {
    frame.variables[statement.targets[k]] = (*list->items)[k];
  }
}

ScriptValue ScriptRunner::evaluate(Frame& frame, const ScriptExpression& expression) {
  const Level level(level_);
  if (++steps_ > kMostSteps || level_ > kMostLevels) {
    throw error(frame, expression.line, "code without end", "less");
  }
  switch (expression.kind) {
    case ScriptKind::kName:
      return evaluate_name(frame, expression);
    case ScriptKind::kInteger:
      return {expression.integer};
    case ScriptKind::kReal:
      return {expression.real};
    case ScriptKind::kText:
      return {expression.text};
    case ScriptKind::kList:
    case ScriptKind::kTuple: {
      std::vector<ScriptValue> items;
      for (const ScriptExpression& part : expression.parts) items.push_back(evaluate(frame, part));
      return make_list(std::move(items));
    }
    case ScriptKind::kAttribute:
      return evaluate_attribute(frame, expression);
    case ScriptKind::kIndex:
      return evaluate_index(frame, expression);
    case ScriptKind::kCall:
      break;
  }
  return evaluate_call(frame, expression);
}

ScriptValue ScriptRunner::evaluate_name(const Frame& frame, const ScriptExpression& expression) const {
  const auto variable = frame.variables.find(expression.text);
  if (variable != frame.variables.end()) return variable->second;
  if (expression.text == "None") return {};
  if (expression.text == "True") return {true};
  if (expression.text == "False") return {false};
  return {ScriptGlobal{expression.text}};
}

ScriptValue ScriptRunner::evaluate_attribute(Frame& frame, const ScriptExpression& expression) {
  const ScriptValue base = evaluate(frame, expression.parts.front());
  if (const auto* object = base.as<ScriptObject>()) {
    return attribute(frame, expression.line, *object, expression.text);
  }
  const auto* global = base.as<ScriptGlobal>();
  if (global == nullptr) {
    throw error(frame, expression.line, quote(expression.text) + " of " + describe(base), "of a module");
  }
  if (global->name != "CONSTANTS") return {ScriptGlobal{global->name + "." + expression.text}};
  const auto* constants = file_.constants() == nullptr ? nullptr : file_.constants()->as<PickleTuple>();
  for (size_t k = 0; constants != nullptr && k < constants->items.size(); ++k) {
    if (expression.text != "c" + std::to_string(k)) continue;
    return convert(*constants->items[k], "CONSTANTS." + expression.text, 0);
  }
  throw error(frame, expression.line, "CONSTANTS." + expression.text, "a constant of the archive");
}

ScriptValue ScriptRunner::evaluate_index(Frame& frame, const ScriptExpression& expression) {
  const ScriptValue base = evaluate(frame, expression.parts.front());
  const auto* list = base.as<ScriptList>();
  if (list == nullptr || expression.parts.size() != 2) {
    throw error(frame, expression.line, "an index of " + describe(base), "one of a list");
  }
  const ScriptValue index = evaluate(frame, expression.parts[1]);
  const auto* place = index.as<int64_t>();
  const auto size = static_cast<int64_t>(list->items->size());
  if (place == nullptr || *place < -size || *place >= size) {
    throw error(frame, expression.line, "index " + describe(index),
                "one of " + std::to_string(size) + " values");
  }
  return (*list->items)[static_cast<size_t>(*place < 0 ? *place + size : *place)];
}

std::vector<ScriptValue> ScriptRunner::evaluate_arguments(Frame& frame, const ScriptExpression& call) {
  std::vector<ScriptValue> arguments;
  for (size_t k = 1; k < call.parts.size(); ++k) arguments.push_back(evaluate(frame, call.parts[k]));
  return arguments;
}

ScriptValue ScriptRunner::evaluate_call(Frame& frame, const ScriptExpression& expression) {
  const ScriptExpression& callee = expression.parts.front();
  if (callee.kind == ScriptKind::kAttribute) {
    const ScriptValue base = evaluate(frame, callee.parts.front());
    if (const auto* self = base.as<ScriptObject>()) {
      return call_method(frame, expression, *self, callee.text);
    }
  }
  const ScriptValue called = evaluate(frame, callee);
  const auto* global = called.as<ScriptGlobal>();
  if (global == nullptr)
    throw error(frame, expression.line, "a call of " + describe(called), "of a function");
  return call_global(frame, expression, global->name);
}

ScriptValue ScriptRunner::call_global(Frame& frame, const ScriptExpression& expression,
                                      const std::string& name) {
  const bool typed = name == "annotate" || name == "unchecked_cast";
  if (typed) {  // the first argument is a type
    if (expression.parts.size() != 3) throw error(frame, expression.line, name, "two arguments");
    return evaluate(frame, expression.parts[2]);
  }
  std::vector<ScriptValue> arguments = evaluate_arguments(frame, expression);
  const auto refuse = [&](const std::string& got, const std::string& wanted) {
    return error(frame, expression.line, got, wanted);
  };
  if (name == "getattr") {
    const auto* object = arguments.size() == 2 ? arguments[0].as<ScriptObject>() : nullptr;
    const auto* key = arguments.size() == 2 ? arguments[1].as<std::string>() : nullptr;
    if (object == nullptr || key == nullptr) throw refuse("getattr", "a module and a name");
    return attribute(frame, expression.line, *object, *key);
  }
  if (name.starts_with("__torch__.")) {
    const auto [module, function_name] = split_last(name);
    return call(module, function_name, std::move(arguments), expression.names, frame.site,
                refuse("a call of " + quote(name), "one with the function's arguments"));
  }
  return call_torch({world_, name, frame.site, std::move(arguments), expression.names, refuse});
}

ScriptValue ScriptRunner::call_method(Frame& frame, const ScriptExpression& expression,
                                      const ScriptObject& self, const std::string& method) {
  std::vector<ScriptValue> arguments = evaluate_arguments(frame, expression);
  arguments.insert(arguments.begin(), ScriptValue{self});
  std::vector<std::string> names = expression.names;
  names.insert(names.begin(), "");
  const auto [module, type] = split_last(self.object->type);
  return call(module, type + "." + method, std::move(arguments), names, self.path,
              error(frame, expression.line, "a call of " + quote(method) + " of " + self.object->type,
                    "one with the function's arguments"));
}

ScriptValue ScriptRunner::attribute(const Frame& frame, int64_t line, const ScriptObject& object,
                                    const std::string& name) {
  const auto* state = object.object->state == nullptr ? nullptr : object.object->state->as<PickleDict>();
  const PickleRef value = state == nullptr ? nullptr : find(*state, name);
  if (value == nullptr) {
    throw error(frame, line, "no attribute " + quote(name) + " of " + object.object->type, "one");
  }
  return convert(*value, join(object.path, name), 0);
}

ScriptValue ScriptRunner::convert(const PickleValue& value, const std::string& path, int level) {
  if (value.is_none()) return {};
  if (const auto* flag = value.as<bool>()) return {*flag};
  if (const auto* integer = value.as<int64_t>()) return {*integer};
  if (const auto* real = value.as<double>()) return {*real};
  if (const auto* text = value.as<std::string>()) return {*text};
  if (const auto* object = value.as<PickleObject>()) return {ScriptObject{object, path}};
  const auto* list = value.as<PickleList>();
  const auto* tuple = value.as<PickleTuple>();
  if ((list != nullptr || tuple != nullptr) && level < 10) {
    std::vector<ScriptValue> items;
    for (const PickleRef item : list != nullptr ? list->items : tuple->items) {
      if (++steps_ > kMostSteps) throw InputError(file_.file(), quote(path), "lists without end", "fewer");
      items.push_back(convert(*item, path, level + 1));
    }
    return make_list(std::move(items));
  }
  const auto* tensor = value.as<PickleTensor>();
  if (tensor == nullptr || !is_floating(tensor->storage.dtype)) {
    return {ScriptGlobal{tensor == nullptr ? describe(value)
                                           : "a tensor of " + to_string(tensor->storage.dtype)}};
  }
  auto found = constants_.find(&value);
  if (found == constants_.end()) {
    const Tensor read = file_.read(*tensor, path);
    auto values = std::make_shared<const std::vector<double>>(decode(read));
    if (!std::all_of(values->begin(), values->end(), [](double x) { return std::isfinite(x); })) {
      throw InputError(file_.file(), quote(path), "NaN or infinity", "finite numbers");
    }
    found = constants_.emplace(&value, ScriptConstant{read.shape, std::move(values), read.trace}).first;
  }
  return {found->second};
}

}  // namespace verissim::network
