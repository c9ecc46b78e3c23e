public import ArgumentParser
import AttentionTrace
public import Diffusion
import PromptText

/// The knobs of the methods that are no losses.
struct MethodOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "structure: where phrases take their place: values, conjunction (keys), or "
        + "conjunction-in-place, as the published code computes it (values).", valueName: "form"))
  var structureForm: StructureDiffusion.Form?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "prompt-to-prompt: what words' attention is multiplied by, as in frog=2,cat=0.5.",
      valueName: "list"))
  var reweight: String?

  @Option(
    help: ArgumentHelp(
      "prompt-to-prompt: a prompt whose maps lay out the picture; it is run in step, unseen.",
      valueName: "prompt"))
  var source: String?

  @Option(
    help: """
      prompt-to-prompt: replacement of that prompt's words by as many, or refinement; without it, \
      replacement where there are as many.
      """)
  var edit: PromptAlignment.Edit?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "prompt-to-prompt: shares of the steps between which maps are edited (0,0.8).",
      valueName: "from,to"))
  var crossWindow: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "prompt-to-prompt: the same for self-attention, whose maps are copied (0,0.4).",
      valueName: "from,to"))
  var selfWindow: String?

  /// The options, and the methods that read them.
  var read: [MethodOption] {
    let edited = "prompt-to-prompt"
    return [
      MethodOption("--structure-form", structureForm != nil, of: "structure"),
      MethodOption("--reweight", reweight != nil, of: edited),
      MethodOption("--source", source != nil, of: edited),
      MethodOption("--edit", edit != nil, of: edited),
      MethodOption("--cross-window", crossWindow != nil, of: edited),
      MethodOption("--self-window", selfWindow != nil, of: edited),
    ]
  }

  /// Prompt-to-prompt as asked for.
  func promptToPrompt(_ arguments: MethodArguments) throws -> PromptToPrompt {
    guard reweight != nil || source != nil else {
      throw Failure(
        .usage, "prompt-to-prompt: expected --reweight, as in frog=2, or --source with a prompt")
    }
    return PromptToPrompt(
      weights: try weights(arguments.table), source: try sourcePrompt(arguments))
  }

  private func weights(_ table: TokenTable) throws -> [PromptToPrompt.Weight] {
    guard let reweight else { return [] }
    let weights = try reweight.split(separator: ",", omittingEmptySubsequences: false).map { pair in
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let factor = Double(sides[1]), factor.isFinite else {
        throw Failure(.usage, "--reweight is '\(reweight)'; '\(pair)' is no word=number")
      }
      let word = String(sides[0])
      return PromptToPrompt.Weight(
        word: word, tokens: try WordReference(word).tokens(in: table), factor: factor)
    }
    for (place, weight) in weights.enumerated() {
      let before = weights[..<place].first { !Set($0.tokens).isDisjoint(with: weight.tokens) }
      if let before {
        throw Failure(
          .usage,
          "--reweight is '\(reweight)'; '\(before.word)' and '\(weight.word)' share a token, which has "
            + "one weight")
      }
    }
    return weights
  }

  private func sourcePrompt(_ arguments: MethodArguments) throws -> PromptToPrompt.Source? {
    guard let source else {
      for (option, isGiven) in [
        ("--edit", edit != nil), ("--cross-window", crossWindow != nil),
        ("--self-window", selfWindow != nil),
      ] where isGiven {
        throw Failure(.usage, "\(option) says how --source is used; there is no --source")
      }
      return nil
    }
    let table = try PromptReader.table(source, arguments.checkpoint)
    let chosen =
      edit ?? (table.words.count == arguments.table.words.count ? .replacement : .refinement)
    var result = PromptToPrompt.Source(prompt: source, edit: chosen)
    if let crossWindow { result.crossWindow = try window("--cross-window", crossWindow) }
    if let selfWindow { result.selfWindow = try window("--self-window", selfWindow) }
    _ = try PromptAlignment(from: table, to: arguments.table, chosen)
    return result
  }

  private func window(_ option: String, _ text: String) throws -> PromptToPrompt.Window {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Double($0) }
    guard parts.count == 2, sides.count == 2, 0 <= sides[0], sides[0] <= sides[1], sides[1] <= 1
    else {
      throw Failure(.usage, "\(option) is '\(text)'; expected two shares of the steps, as in 0,0.8")
    }
    return PromptToPrompt.Window(sides[0]...sides[1])
  }

  /// StructureDiffusion of the phrases there are.
  func structure(_ arguments: MethodArguments) -> StructureDiffusion {
    StructureDiffusion(arguments.phrases, form: structureForm ?? .values)
  }

  /// Composable Diffusion of the parts there are, each at the weight of guidance if it has none.
  func composable(_ arguments: MethodArguments) -> ComposableDiffusion {
    let parts =
      arguments.parts.isEmpty
      ? PromptMarkup.automaticParts(of: arguments.table.prompt)
        .map { PromptMarkup.Component(text: $0, weight: nil) }
      : arguments.parts
    return ComposableDiffusion(
      parts.map { .init($0.text, weight: $0.weight ?? arguments.guidanceScale) })
  }

  /// Says what was concluded for a method that nobody asked for in as many words, and which words of
  /// texts besides the prompt the model will not see.
  func announce(
    _ method: any GenerationMethod, _ table: TokenTable, _ tokenizer: CLIPTokenizer
  ) {
    if let method = method as? ComposableDiffusion {
      Message.note("parts: " + method.parts.map(\.text).joined(separator: " | "))
      for (place, part) in method.parts.enumerated() where part.text != table.prompt {
        PromptReader.warn(tokenizer.encode(part.text), of: "part \(place + 1)")
      }
    }
    if let source = (method as? PromptToPrompt)?.source {
      PromptReader.warn(tokenizer.encode(source.prompt), of: "the source prompt")
    }
    if let method = method as? StructureDiffusion, method.segments(of: table).isEmpty {
      Message.warning(
        "structure: no phrase of two words or more besides the whole prompt, so the picture is "
          + "that of stable-diffusion")
    }
    if edit == nil, let source = (method as? PromptToPrompt)?.source {
      Message.note("--source is edited by \(source.edit.rawValue)")
    }
  }
}

extension StructureDiffusion.Form: ExpressibleByArgument {}
extension PromptAlignment.Edit: ExpressibleByArgument {}
