import AttentionTrace
import Diffusion
import TensorEngine
import Testing

@Suite("Sizes of pictures")
struct ImageSizeTests {
  /// One model for all tests: it is not changed by them.
  private static let menagerie = Result {
    try StableDiffusion(Checkpoint(Checkpoint.menagerie))
  }

  private func request(_ size: ImageSize?) -> GenerationRequest {
    var request = GenerationRequest(
      prompt: "a cat and a frog", seed: 0, method: .stableDiffusion,
      subjects: [Subject(name: "cat", tokens: [2])])
    request.size = size
    return request
  }

  /// The grid in Menagerie's guidance.json is the latent's own, 16×16 at 128 pixels.
  @Test(
    "A checkpoint's own grid stays at its level of the UNet",
    arguments: [
      (nil, Grid(rows: 16, columns: 16)),
      (ImageSize(width: 192, height: 128), Grid(rows: 16, columns: 24)),
      (ImageSize(width: 88, height: 136), Grid(rows: 17, columns: 11)),
    ] as [(ImageSize?, Grid)])
  func trainedGrid(_ example: (size: ImageSize?, grid: Grid)) throws {
    let model = try Self.menagerie.get()
    let request = request(example.size)
    #expect(try model.grid(request) == example.grid)
    #expect(try model.latentGrid(request) == example.grid)
    #expect(try model.objective(request)?.grid == example.grid)
  }

  @Test("Without one it is 1/32 of the picture, where the UNet has it: rounded up at each level")
  func thirtySecond() throws {
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    for width in stride(from: 8, through: 200, by: 8) {
      for height in stride(from: 8, through: 72, by: 8) {
        let request = request(ImageSize(width: width, height: height))
        let grid = try model.grid(request)
        #expect(grid.rows == (height + 31) / 32 && grid.columns == (width + 31) / 32)
        #expect(try model.sites(request).contains { $0.kind == .cross && $0.grid == grid })
      }
    }
  }

  @Test(
    "A size that the autoencoder does not divide, or that cannot be, is refused",
    arguments: [
      ImageSize(width: 500, height: 504), ImageSize(width: 504, height: 500),
      ImageSize(width: 0, height: 8), ImageSize(width: 8, height: -8),
      ImageSize(width: .max, height: .max), ImageSize(width: .min, height: .min),
    ])
  func refused(_ size: ImageSize) throws {
    let model = try Self.menagerie.get()
    #expect(throws: DiffusionError.self) { try model.sequence(request(size)) }
    #expect(throws: DiffusionError.self) { try model.sites(request(size)) }
  }

  @Test("A size is read as it is written")
  func text() {
    #expect(ImageSize("768x512") == ImageSize(width: 768, height: 512))
    #expect(ImageSize(width: 768, height: 512).description == "768x512")
    for text in ["", "x", "768", "768x", "x512", "768X512", "768x512x1", "7 68x512"] {
      #expect(ImageSize(text) == nil)
    }
  }
}
