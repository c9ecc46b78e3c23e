import TestSupport
import Testing

/// Arguments that cannot be: each is refused in one line, before anything is made.
@Suite("Options")
struct OptionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let code: Int32
    let words: [String]
    var showsTokens = false
    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static let prompt = "a cat and a frog"

  private static func compare(
    _ option: String, _ values: [String], _ words: [String], code: Int32 = 64,
    showsTokens: Bool = false
  ) -> [Case] {
    values.map {
      Case(
        arguments: ["compare", prompt, option, $0], code: code, words: words,
        showsTokens: showsTokens)
    }
  }

  static let usage: [Case] = [
    Case(arguments: ["nosuch"], code: 64, words: ["no command 'nosuch'", "heed --help"]),
    Case(
      arguments: ["compare"], code: 64, words: ["a prompt or --from FILE", "heed compare --help"]),
    Case(arguments: ["compare", prompt, "more"], code: 64, words: ["Unexpected", "'more'"]),
    Case(arguments: ["compare", prompt, "--foo"], code: 64, words: ["Unknown option '--foo'"]),
    Case(arguments: ["compare", prompt, "--stesp", "3"], code: 64, words: ["--steps"]),
    Case(arguments: ["compare", prompt, "--steps"], code: 64, words: ["--steps"]),
    Case(arguments: ["generate", prompt, "--json"], code: 64, words: ["--json"]),
    Case(arguments: ["tokens"], code: 64, words: ["--from"]),
    Case(arguments: ["tokens", prompt, "--from", "-"], code: 64, words: ["--from"]),
    Case(arguments: ["sheet"], code: 64, words: ["'<run> ...'", "heed sheet --help"]),
    Case(arguments: ["check"], code: 64, words: ["'<run> ...'", "heed check --help"]),
    Case(arguments: ["analyze", "--ask", "x"], code: 64, words: ["'<run> ...'"]),
    Case(arguments: ["analyze", "nosuch", "--ask", "x"], code: 66, words: ["nosuch: no run"]),
    Case(
      arguments: ["generate", prompt, "--queries", "9x9"], code: 64,
      words: ["no attention layer matches '9x9'"]),
    Case(arguments: ["verify", "x", "--tolerance", "nan"], code: 64, words: ["--tolerance is"]),
    Case(arguments: ["verify", "x", "--tolerance", "-1"], code: 64, words: ["--tolerance is"]),
    Case(arguments: ["verify"], code: 64, words: ["'<path>'"]),
    Case(arguments: ["model", "--prediction", "x0"], code: 64, words: ["'x0'", "epsilon or v"]),
    Case(arguments: ["model", "--lora", "a:b"], code: 64, words: ["--lora a:b", "a number"]),
    Case(arguments: ["model", "--lora", "a:nan"], code: 64, words: ["--lora a:nan", "a number"]),
    Case(arguments: ["model", "--lora", "a:1"], code: 66, words: ["heed: a: "]),
    Case(arguments: ["model", "--config", "x"], code: 64, words: ["configuration is x"]),
    Case(
      arguments: ["generate", prompt, "--method", "foo"], code: 64,
      words: ["'foo'", "stable-diffusion", "attend-and-excite"]),
    Case(
      arguments: ["compare", "the big red fox"], code: 64,
      words: ["which words are the subjects?", "--tokens"], showsTokens: true),
  ]

  private static let samplingGroups: [[Case]] = [
    compare(
      "--seeds",
      [
        "3..0", "a", "-1", "1..", "..3", "0...3", "0..1..2", "0-3", " 1", "1,,2", "0x1",
        "0..99999999999", "18446744073709551616", "0..18446744073709551615",
      ], ["--seeds is", "0..3"]),
    compare("--seeds", ["0,0", "0..2,1"], ["twice"]),
    compare("--seeds", [""], ["--seeds"]),
    compare("--steps", ["0", "-1", "1001", "9223372036854775807"], ["steps", "1…1000"]),
    compare("--steps", ["x", "1.5", "", "9223372036854775808"], ["--steps"]),
    compare("--guidance-scale", ["nan", "inf", "-inf"], ["--guidance-scale", "finite"]),
    compare("--guidance-scale", ["x", "1e999x"], ["--guidance-scale"]),
    compare("--scheduler", ["foo", "DDIM"], ["scheduler", "one of ddim, pndm"]),
    compare("--batch", ["0", "-1", "-9223372036854775808"], ["--batch is", "1 or more"]),
    compare("--batch", ["x", "1.5", ""], ["--batch"]),
    compare(
      "--rng", ["foo", "Torch", "cuda"], ["--rng is '", "expected torch, torch-cuda or numpy"]),
    compare("--size", ["500x500", "128x100"], ["the size is", "multiples of 8", "as in"]),
    compare(
      "--size",
      ["0x0", "-8x8", "1000000x1000000", "9223372036854775807x8", "-9223372036854775808x8"],
      ["the size is", "multiples of 8", "at most"]),
    compare(
      "--size", ["abc", "", "128", "128x", "x128", "128x128x128", "9223372036854775808x8", "8 x8"],
      ["--size", "768x512"]),
    [
      Case(
        arguments: ["generate", prompt, "--rng", "numpy", "--seeds", "4294967295..4294967296"],
        code: 64, words: ["the seed is 4294967296", "0…4294967295 for numpy"]),
      Case(
        arguments: ["generate", prompt, "--size", "192x128", "--attention-resolution", "16x16"],
        code: 69, words: ["no cross-attention at 16x16", "16x24, 8x12, 4x6"]),
      Case(
        arguments: ["model", "--size", "500x500"], code: 64,
        words: ["the size is 500x500", "504x504"]),
    ],
  ]
  static let sampling: [Case] = samplingGroups.flatMap { $0 }

  private static let excitationGroups: [[Case]] = [
    compare("--tokens", ["dog", "@-1", "@", "frog#", "ca"], ["no word"], showsTokens: true),
    compare("--tokens", ["frog#2", "frog#0"], ["\"frog\" once"], showsTokens: true),
    compare("--tokens", ["@99", "@77"], ["0 to 76"], showsTokens: true),
    compare(
      "--tokens", ["<start>", "<end>", "@0", "@6", "@12"], ["is not text"], showsTokens: true),
    compare("--tokens", ["a"], ["2 times", "a#1", "a#2"], showsTokens: true),
    compare("--tokens", ["cat,cat", "cat,@2"], ["same tokens"]),
    compare("--tokens", ["cat,", ","], ["empty name"]),
    compare("--tokens", ["\u{1B}[31mcat"], ["\\u{1b}[31mcat"], showsTokens: true),
    compare("--pieces", ["foo"], ["--pieces is 'foo'; expected first, last, mean or max"]),
    compare("--max-iter-to-alter", ["-1", "9223372036854775807"], ["0 to 1000"]),
    compare("--max-refinement-steps", ["-1", "9223372036854775807"], ["0 to 1000"]),
    compare(
      "--thresholds", ["0=2", "a", "5", "0=0.5,0=0.6", "-1=0.5", "0=nan", "0=0.5,", "0=1=1"],
      ["--thresholds is", "iteration=attention"]),
    compare("--scale-factor", ["nan", "inf", "-1", "1e308"], ["--scale-factor is"]),
    compare(
      "--scale-range", ["1", "1,2,3", "a,b", "nan,1", "-1,0", "1,,0.5", "1,0.5,", "inf,1"],
      ["--scale-range is", "two numbers"]),
    compare("--sigma", ["0", "-1", "nan", "inf", "1e300"], ["--sigma is"]),
    compare("--kernel-size", ["99"], ["kernel", "1…18"]),
    compare("--kernel-size", ["0", "-1", "9999999999", "x"], ["--kernel-size is", "1 to 1000"]),
    compare(
      "--attention-resolution",
      ["16", "0x0", "-1x4", "16x16x16", "a", "4xx4", "x4", "4x", "99999999999x99999999999"],
      ["--attention-resolution is", "16x16"]),
    compare(
      "--attention-resolution", ["7x7", "32x32", "1048576x1048576"],
      ["no cross-attention", "16x16, 8x8, 4x4"], code: 69),
    compare("--normalize-eot", ["maybe"], ["--normalize-eot"]),
  ]
  static let excitation: [Case] = excitationGroups.flatMap { $0 }

  private static let recordingGroups: [[Case]] = [
    compare(
      "--layers", ["foo", "99x99", "0x0", "[", "down_blocks.0", "99999999999999999999x1", "*,foo"],
      ["no attention layer", "down_blocks.0.attentions.0.transformer_blocks.0.attn2"]),
    compare("--layers", [","], ["at least one"]),
    compare("--heads", ["99", "4"], ["head", "0..3"]),
    compare("--heads", ["-1", "a", "0,"], ["--heads is", "0,3"]),
    compare("--record-tokens", ["dog", "<pad>"], ["no word"], showsTokens: true),
    compare("--record-tokens", ["@99"], ["0 to 76"], showsTokens: true),
    compare(
      "--branches", ["foo", "conditional,"],
      ["--branches is '", "expected unconditional or conditional"]),
    compare(
      "--phases", ["foo", "Denoise"], ["--phases is '", "expected loss, refinement or denoise"]),
    compare(
      "--record-steps", ["50", "0..99", "0..9223372036854775807"], ["steps", "0..49"]),
    compare("--record-steps", ["3..1", "a", "-1", "1.."], ["--record-steps is", "0..3"]),
    compare(
      "--precision", ["float8"], ["--precision is 'float8'; expected float16, float32 or bfloat16"]),
    compare("--durability", ["none"], ["--durability is 'none'; expected process or power"]),
  ]
  static let recording: [Case] = recordingGroups.flatMap { $0 }

  @Test("A wrong argument is refused in one line", arguments: usage + sampling)
  func wrongArgument(_ example: Case) throws { try check(example) }

  @Test("A wrong knob of Attend-and-Excite is refused in one line", arguments: excitation)
  func wrongKnob(_ example: Case) throws { try check(example) }

  @Test("A wrong choice of what to record is refused in one line", arguments: recording)
  func wrongRecording(_ example: Case) throws { try check(example) }

  private func check(_ example: Case) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(example.arguments, in: folder.path)
    expectRefusal(result, example.code, example.words, showsTokens: example.showsTokens)
    #expect(folder.names.isEmpty)
  }

  @Test("A dry run prints what recording takes and makes nothing")
  func dryRun() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["compare", Self.prompt, "--dry-run"], in: folder.path)
    #expect(result.status == 0)
    let titles = result.stdout.split(separator: "\n").map { $0.prefix(16).split(separator: " ") }
    #expect(titles == [["runs"], ["calls"], ["disk"], ["memory"], ["free", "disk"]])
    #expect(folder.names.isEmpty)
  }

  @Test("A dry run of the most that can be asked ends soon")
  func largestDryRun() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "compare", Self.prompt, "--dry-run", "--seeds", "0..99999", "--steps", "1000",
        "--max-refinement-steps", "1000", "--max-iter-to-alter", "1000",
      ], in: folder.path)
    expectPlain(result.stderr)
    #expect([0, 73].contains(result.status), "\(result.stderr)")
    #expect(folder.names.isEmpty)
  }
}
