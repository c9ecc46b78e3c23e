import Foundation
import TestSupport
import Testing

/// Checkpoints in the forms in which they are shipped, on the command line.
@Suite("Forms of checkpoints")
struct CheckpointFormTests {
  private static let fixtures = Repository.root + "/Tests/DiffusionTests/Fixtures"

  private func run(_ arguments: String...) throws -> HeedProcess.Result {
    let folder = try TemporaryFolder()
    return try HeedProcess.run(arguments, in: folder.path)
  }

  @Test(
    "heed model says what a single file is",
    arguments: [
      ("single-sd1/described.safetensors", "described: ", "Stable Diffusion 1.x", "16x16 pixels"),
      ("single-sd2/velocity.safetensors", "velocity: ", "Stable Diffusion 2.x", "v_prediction"),
      ("sharded", "sharded: ", "in diffusers' layout", "PNDMScheduler"),
    ])
  func model(_ path: String, _ name: String, _ layout: String, _ fact: String) throws {
    let result = try run("model", Self.fixtures + "/" + path)
    #expect(result.status == 0)
    let first = result.stdout.split(separator: "\n").first ?? ""
    #expect(first.hasPrefix(name) && first.contains(layout), "\(first)")
    #expect(result.stdout.contains(fact), "\(result.stdout)")
  }

  @Test("heed verify takes a file and a LoRA")
  func verify() throws {
    let file = Self.fixtures + "/single-sd2/velocity.safetensors"
    let whole = try run("verify", file)
    #expect(whole.status == 0 && whole.stdout.contains("7 passed, 0 failed"), "\(whole.stdout)")
    #expect(whole.messages.count == 2 && whole.stderr.contains("clip_sample is treated as false"))
    #expect(whole.stderr.contains("passed over, as the model is complete without them: "))
    let crowded = try run("verify", Self.fixtures + "/crowded/crowded.safetensors")
    #expect(
      crowded.status == 0 && crowded.stdout.contains("7 passed, 0 failed"), "\(crowded.stdout)")
    #expect(crowded.messages.count { $0.contains("passed over") } == 1, "\(crowded.stderr)")
    let lora = Self.fixtures + "/lora/peft.safetensors"
    let changed = try run("verify", Self.fixtures + "/sharded", "--lora", lora + ":0.8")
    #expect(changed.status == 1 && changed.stdout.contains("FAILED"))
    let nothing = try run("verify", Self.fixtures + "/sharded", "--lora", lora + ":0")
    #expect(nothing.status == 0 && nothing.stdout.contains("7 passed, 0 failed"))
  }

  @Test("A prompt's tokens are those of the tokenizer beside the file")
  func tokens() throws {
    let two = try run(
      "tokens", "a cat", "--json", "--model", Self.fixtures + "/single-sd2/velocity.safetensors")
    #expect(two.status == 0)
    let object = try JSONSerialization.jsonObject(with: Data(two.stdout.utf8))
    let ids = try #require((object as? [String: Any])?["ids"] as? [Int])
    #expect(ids == [651, 320, 631, 652])
  }

  @Test("A path may hold colons; a run with another LoRA is another run")
  func lora() throws {
    let folder = try TemporaryFolder()
    for name in ["a:b.safetensors", "c:0.5"] {
      try FileManager.default.copyItem(
        atPath: Self.fixtures + "/lora/kohya.safetensors", toPath: folder.path + "/" + name)
    }
    let model = Self.fixtures + "/sharded"
    func generate(_ lora: String) throws -> HeedProcess.Result {
      try HeedProcess.run(
        [
          "generate", "a cat and a frog", "--method", "stable-diffusion", "--no-record", "--steps",
          "2", "--attention-resolution", "8x8", "--model", model, "--lora", lora,
        ], in: folder.path)
    }
    #expect(try generate("a:b.safetensors:0.5").status == 0)
    #expect(try generate("a:b.safetensors:0.5").stderr.contains("complete in"))
    for other in ["a:b.safetensors:0.6", "a:b.safetensors", "c:0.5"] {
      let result = try generate(other)
      #expect(result.status == 73 && result.stderr.contains("another run"), "\(result.stderr)")
    }
    let manifest = folder.path + "/runs/a-cat-and-a-frog/stable-diffusion/seed-0/run.json"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    #expect(text.contains("lora a:b.safetensors:0.5"))
  }

  @Test(
    "A run with another autoencoder records it, is repeated from it, and asks for it when it has moved"
  )
  func vae() throws {
    let folder = try TemporaryFolder()
    let place = folder.path + "/vae.safetensors"
    try FileManager.default.copyItem(
      atPath: Self.fixtures + "/vae/newer/model.safetensors", toPath: place)
    try FileManager.default.copyItem(
      atPath: Self.fixtures + "/vae/newer/config.json", toPath: folder.path + "/config.json")
    let model = Self.fixtures + "/sharded"
    let generate = [
      "generate", "a cat and a frog", "--method", "stable-diffusion", "--steps", "2",
      "--attention-resolution", "8x8", "--model", model, "--tokens", "cat,frog",
    ]
    let made = try HeedProcess.run(generate + ["--vae", "vae.safetensors"], in: folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    // Without it, the same command is another run.
    expectRefusal(try HeedProcess.run(generate, in: folder.path), 73, ["another run"])
    let run = folder.path + "/runs/a-cat-and-a-frog/stable-diffusion/seed-0"
    let manifest = try String(contentsOfFile: run + "/run.json", encoding: .utf8)
    #expect(manifest.contains("vae vae.safetensors"))
    try FileManager.default.moveItem(atPath: place, toPath: folder.path + "/moved.safetensors")
    let causal = ["causal", run, "--drop", "frog", "-o", folder.path + "/causal"]
    expectRefusal(
      try HeedProcess.run(causal, in: folder.path), 66, ["autoencoder", "vae.safetensors"])
    let again = try HeedProcess.run(causal + ["--vae", "moved.safetensors"], in: folder.path)
    #expect(again.status == 0, "\(again.stderr)")
  }

  @Test("What cannot be run is refused with 69, what is damaged or no checkpoint with 65")
  func codes() throws {
    let folder = try TemporaryFolder()
    try folder.write("model.ckpt", [0x80, 2])
    try folder.write("cut.safetensors", [1, 2, 3])
    try folder.write("not.safetensors", "this is no safetensors file".utf8)
    for (path, code, word) in [
      ("model.ckpt", 65, "weights_only=True"), (".", 69, "cut.safetensors, not.safetensors"),
      ("cut.safetensors", 65, "cut.safetensors"), ("not.safetensors", 65, "not.safetensors"),
    ] as [(String, Int32, String)] {
      for command in [["model", path], ["verify", path], ["generate", "a cat", "--model", path]] {
        expectRefusal(try HeedProcess.run(command, in: folder.path), code, [word])
      }
    }
    let lora = Self.fixtures + "/lora/kohya.safetensors"
    expectRefusal(try run("model", lora), 65, ["a LoRA", "add it to a checkpoint"])
    expectRefusal(try run("model", "--lora", lora), 65, ["other widths"])
  }
}
