import Foundation
import TestSupport
import Testing

@Suite("heed export")
struct ExportCommandTests {
  private static let prompt = OutputFolderTests.prompt
  private static let run = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"
  private static let layer = "up_blocks.2.attentions.0.transformer_blocks.0.attn2"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func record(_ prompt: String = prompt, _ more: [String] = []) throws {
    let result = try HeedProcess.run(
      ["generate", prompt, "--method", "stable-diffusion", "--steps", "3"] + more, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
  }

  private func export(_ arguments: [String], shell: String? = nil) throws -> HeedProcess.Result {
    try HeedProcess.run(["export"] + arguments, in: folder.path, shell: shell)
  }

  /// Checks a refusal that leaves nothing behind.
  private func expectNothing(
    _ arguments: [String], _ code: Int32, _ words: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = folder.names
    expectRefusal(
      try export(arguments + ["-o", "out"]), code, words, sourceLocation: sourceLocation)
    #expect(folder.names == before, sourceLocation: sourceLocation)
  }

  @Test("An export is a line on standard output, or JSON, and the same bytes each time")
  func same() throws {
    try record()
    let result = try export([Self.run, "-o", "a"])
    #expect(result.status == 0)
    #expect(result.stderr.isEmpty)
    #expect(result.stdout.hasPrefix("a: 3 arrays, "))
    let again = try HeedProcess.run(
      ["export", folder.path + "/" + Self.run, "-o", "b/", "--json"], in: folder.path,
      environment: ["TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "HEED_THREADS": "1"])
    let json = try JSONSerialization.jsonObject(with: Data(again.stdout.utf8)) as? [String: Any]
    #expect(json?["arrays"] as? Int == 3)
    #expect(json?["missing"] as? Int == 0)
    let names = folder.names.filter { $0.hasPrefix("a/") && !folder.bytes($0).isEmpty }
    #expect(json?["files"] as? Int == names.count)
    #expect(json?["bytes"] as? Int == names.reduce(0) { $0 + folder.bytes($1).count })
    for name in names {
      #expect(folder.bytes(name) == folder.bytes("b" + name.dropFirst()), "\(name)")
      #expect(!folder.text(name).contains(folder.path), "\(name)")
    }
  }

  @Test(
    "Arguments that mean nothing are refused",
    arguments: [
      (["--format", "hdf5"], ["--format", "'hdf5'", "zarr2"]),
      (["--format", "npy,"], ["--format", "''"]),
      (["--heads", "a"], ["--heads", "0,3..5"]),
      (["--steps", "3..1"], ["--steps", "3..1"]),
      (["--branches", "both"], ["--branches", "'both'"]),
      (["--phases", "denoise,"], ["--phases", "''"]),
      (["--dtype", "float64"], ["float64"]),
      (["--format", "csv,netcdf,pt"], ["--format", "'pt'", "netcdf"]),
      (["--each-step"], ["--each-step", "--recipe"]),
    ] as [([String], [String])])
  func usage(_ arguments: [String], _ words: [String]) throws {
    try record()
    try expectNothing([Self.run] + arguments, 64, words)
  }

  @Test(
    "A selection that takes nothing says what there is",
    arguments: [
      (["--layers", "32x32"], 69, ["layers '32x32'", layer]),
      (["--heads", "4"], 69, ["head 4", "heads 0, 1, 2, 3"]),
      (["--phases", "loss"], 69, ["a selected call", "3 calls", "denoise"]),
      (["--branches", "unconditional"], 69, ["a selected call", "conditional"]),
      (["--steps", "0..99"], 69, ["steps 0..99", "0..2"]),
      (["--recipe", "mean(layer: 8x8)"], 69, ["layers 8x8", "16x16"]),
    ] as [([String], Int32, [String])])
  func nothing(_ arguments: [String], _ code: Int32, _ words: [String]) throws {
    try record()
    try expectNothing([Self.run] + arguments, code, words)
  }

  @Test("A word that the prompt lacks is refused with the words to choose from")
  func unknownWord() throws {
    try record()
    let before = folder.names
    expectRefusal(
      try export([Self.run, "--tokens", "dog", "-o", "out"]), 64, ["\"dog\""], showsTokens: true)
    #expect(folder.names == before)
  }

  @Test("A recipe that cannot be read has a caret under the place")
  func badRecipe() throws {
    try record()
    let result = try export([Self.run, "--recipe", "mean(layer: 16x16) median(head)", "-o", "out"])
    #expect(result.status == 64)
    #expect(result.messages.count == 3)
    #expect(result.messages.first?.hasPrefix("heed: recipe: ") == true)
    let caret = result.messages.last?.prefix { $0 != "^" }.count ?? 0
    #expect(result.messages.dropFirst().first?.dropFirst(caret).hasPrefix("median(head)") == true)
  }

  @Test("What is no run, a run twice, or no output folder is refused")
  func noRun() throws {
    try record()
    try expectNothing(["nosuch"], 66, ["nosuch", "no run"])
    try expectNothing([Self.run, "./" + Self.run], 64, ["given twice"])
    try folder.write("file", [])
    expectRefusal(try export([Self.run, "-o", "file"]), 73, ["file", "folder"])
    expectRefusal(try export([Self.run, "-o", "file/out"]), 73, ["file/out"])
    expectRefusal(try export([Self.run, "-o", "runs"]), 73, ["runs", "not empty"])
    expectRefusal(
      try export([Self.run, "-o", "runs", "--overwrite"]), 73, ["runs", "not an earlier export"])
  }

  @Test(
    "A chunk that was cut short or flipped is named, and nothing is written", arguments: [0, 1])
  func damagedChunk(_ kind: Int) throws {
    try record()
    let chunk = Self.run + "/attention.zarr/\(Self.layer)/c.3.0.0.0.0"
    var bytes = folder.bytes(chunk)
    #expect(!bytes.isEmpty)
    if kind == 0 { bytes.removeLast(bytes.count / 3) } else { bytes[bytes.count / 2] ^= 4 }
    try folder.write(chunk, bytes)
    let words = [chunk, kind == 0 ? "\(bytes.count) bytes" : "CRC-32C"]
    try expectNothing([Self.run], 65, words)
    try expectNothing([Self.run, "--heads", "1"], 65, words)
    try expectNothing([Self.run, "--recipe", "mean(layer: 16x16)"], 65, words)
  }

  @Test(
    "A manifest of another version, or that tells of another run than the store, is refused",
    arguments: [
      ("\"format\" : 2", "\"format\" : 3", ["run.json", "format 3", "expected 1 to 2"]),
      ("\"seed\" : 0", "\"seed\" : 1", ["attention.zarr/zarr.json", "seed is 0", "says 1"]),
      ("\"precision\" : \"float16\"", "\"precision\" : \"float32\"", ["precision is float16"]),
      ("\"name\" : \"Menagerie\"", "\"name\" : \"other\"", ["model is Menagerie", "says other"]),
    ])
  func lyingManifest(_ text: String, _ lie: String, _ words: [String]) throws {
    try record()
    let manifest = folder.text(Self.run + "/run.json")
    #expect(manifest.contains(text))
    try folder.write(Self.run + "/run.json", manifest.replacing(text, with: lie).utf8)
    try expectNothing([Self.run], 65, words)
  }

  @Test("Runs of different prompts, plans and grids are told apart by what differs")
  func differentRuns() throws {
    try record()
    try record("a dog and a frog")
    try record(Self.prompt, ["--layers", "8x8", "-o", "planned"])
    try record(Self.prompt, ["--layers", "16x16", "--seeds", "1"])
    let sameGrid = Self.run.replacing("seed-0", with: "seed-1")
    try expectNothing(
      [Self.run, Self.run.replacing("cat", with: "dog")], 65,
      ["different prompts", "a dog and a frog"])
    try expectNothing(
      [Self.run, Self.run.replacing("runs", with: "planned")], 65,
      ["different plans", "layers 16x16 and 8x8"])
    #expect(try export([Self.run, sameGrid, "-o", "both"]).status == 0)
    try record(
      Self.prompt, ["--layers", "down_blocks.0*", "--seeds", "2", "--size", "128x128"])
    try record(
      Self.prompt, ["--layers", "down_blocks.0*", "--seeds", "3", "--size", "192x128"])
    try expectNothing(
      [2, 3].map { Self.run.replacing("seed-0", with: "seed-\($0)") }, 65,
      ["different grids", "16x16 and 16x24"])
  }

  @Test(
    "The end of the output's name asks for one file or store of all arrays, and nothing beside it",
    arguments: [
      ("out.nc", [], "CDF"), ("deeper/out.NC", [], "CDF"), ("out.npz", [], "PK"),
      ("out.safetensors", [], nil), ("out.zarr", [], nil),
      ("out.zarr/", ["--format", "zarr2"], nil),
      ("out.nc", ["--format", "netcdf"], "CDF"),
    ] as [(String, [String], String?)])
  func named(_ output: String, _ more: [String], _ magic: String?) throws {
    try record()
    let before = Set(folder.names)
    let result = try export([Self.run, "-o", output] + more)
    #expect(result.status == 0, "\(result.stderr)")
    let place = output.hasSuffix("/") ? String(output.dropLast()) : output
    let made = Set(folder.names).subtracting(before).filter { $0 != "deeper" }
    #expect(made.contains(place) && made.allSatisfy { $0.hasPrefix(place) }, "\(made)")
    if let magic { #expect(folder.bytes(place).starts(with: magic.utf8)) }
    if place.hasSuffix(".zarr") {
      #expect(made.contains(place + (more.isEmpty ? "/zarr.json" : "/.zgroup")))
      #expect(made.contains("\(place)/\(Self.layer)"))
    }
    expectRefusal(try export([Self.run, "-o", output] + more), 73, [place])
    #expect(try export([Self.run, "-o", output, "--overwrite"] + more).status == 0)
    #expect(Set(folder.names).subtracting(before).filter { $0 != "deeper" } == made)
    if place.hasSuffix(".zarr") {
      try folder.write(place + "/mine.txt", "mine".utf8)
      expectRefusal(
        try export([Self.run, "-o", output, "--overwrite"] + more), 73, [place, "mine.txt"])
    }
  }

  @Test(
    "An output whose end contradicts its format, or that cannot be one file, says what to give",
    arguments: [
      (["-o", "maps.nc", "--format", "npy"], ["maps.nc", "netcdf", "npy", "folder"]),
      (["-o", "maps.zarr", "--format", "zarr,npz"], ["maps.zarr", "zarr,npz"]),
      (["-o", "maps.csv"], ["maps.csv", "-o maps --format csv"]),
      (["-o", "maps.npy"], ["maps.npy", "-o maps --format npy"]),
    ] as [([String], [String])])
  func misnamed(_ arguments: [String], _ words: [String]) throws {
    try record()
    let before = folder.names
    expectRefusal(try export([Self.run] + arguments), 64, words)
    #expect(folder.names == before)
  }

  @Test("A store or a file of another program is not overwritten by a store")
  func foreignStore() throws {
    try record()
    try folder.write("mine.zarr/zarr.json", "{\"zarr_format\": 3, \"attributes\": {}}".utf8)
    expectRefusal(
      try export([Self.run, "-o", "mine.zarr", "--overwrite"]), 73,
      ["mine.zarr", "not an earlier export"])
    try folder.write("file.zarr", "text".utf8)
    expectRefusal(try export([Self.run, "-o", "file.zarr", "--overwrite"]), 73, ["file.zarr"])
    try folder.write("folder.nc/x", "text".utf8)
    expectRefusal(try export([Self.run, "-o", "folder.nc", "--overwrite"]), 73, ["folder.nc"])
  }

  @Test("CSV that nobody is likely to want needs --force; a full disk leaves nothing")
  func large() throws {
    try record(Self.prompt, ["--layers", "*", "--steps", "50"])
    try expectNothing([Self.run, "--format", "csv"], 64, ["256.0 MiB", "--force"])
    let before = folder.names
    let full = try export([Self.run, "-o", "out"], shell: "ulimit -f 64; exec \"$@\"")
    #expect(full.status == 73 || full.status == 74, "\(full.stderr)")
    #expect(full.messages.count == 1, "\(full.stderr)")
    #expect(folder.names == before)
  }
}
