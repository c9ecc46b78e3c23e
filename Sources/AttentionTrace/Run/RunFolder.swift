/// The folder of a run, named by its prompt, method and seed, and the files in it.
public struct RunFolder: Hashable, Sendable {
  /// The folder.
  public let path: String

  /// The folder at `path`, whatever its name.
  public init(path: String) { self.path = path }

  /// The folder `root/a-cat-and-a-frog/attend-and-excite/seed-0`.
  public init(root: String, prompt: String, method: String, seed: UInt64) {
    self.init(root: root, id: Self.slug(prompt), method: method, seed: seed)
  }

  /// The folder `root/id/attend-and-excite/seed-0` of a prompt that has a name.
  /// - Parameter id: a folder's name.
  package init(root: String, id: String, method: String, seed: UInt64) {
    path = "\(root)/\(id)/\(method)/seed-\(seed)"
  }

  static let manifestName = "run.json"
  static let journalName = "calls.jsonl"
  static let storeName = "attention.zarr"
  static let lossesName = "losses.csv"
  static let imageName = "image.png"
  static let latentName = "latent.npy"
  static let framesName = "frames"
  static let previewsName = "previews"
  static let previewName = "preview.png"

  /// The name of a picture by its number, from 0: of a video's in the folder of frames, of a step's in that
  /// of predicted pictures.
  static func frameName(_ frame: Int) -> String {
    let digits = String(frame)
    return String(repeating: "0", count: max(3 - digits.count, 0)) + digits + ".png"
  }

  /// The number of a picture by its file's name; `nil` for any other file.
  static func frame(named name: String) -> Int? {
    guard let frame = Int(name.prefix { $0 != "." }), frame >= 0, frameName(frame) == name else {
      return nil
    }
    return frame
  }

  /// All that made the run.
  public var manifest: String { path + "/" + Self.manifestName }
  /// One line per acknowledged call.
  public var journal: String { path + "/" + Self.journalName }
  /// The recorded attention.
  public var store: String { path + "/" + Self.storeName }
  /// Loss and excitation scores per call.
  public var losses: String { path + "/" + Self.lossesName }
  /// The picture.
  public var image: String { path + "/" + Self.imageName }
  /// The picture of a frame of a video, from 0; ``image`` is the middle one.
  public func frame(_ frame: Int) -> String {
    "\(path)/\(Self.framesName)/\(Self.frameName(frame))"
  }
  /// The picture that a step predicts, from 0.
  public func preview(_ step: Int) -> String {
    "\(path)/\(Self.previewsName)/\(Self.frameName(step))"
  }
  /// The latest of these pictures, until the run is complete.
  public var latestPreview: String { path + "/" + Self.previewName }
  /// The latent that the picture was decoded from.
  public var latent: String { path + "/" + Self.latentName }
  /// The state that an unfinished run resumes from.
  public var state: String { path + "/state.safetensors" }

  /// The seed that a run's folder is named by, as in `seed-7`; `nil` for any other name.
  package static func seed(named name: some StringProtocol) -> UInt64? {
    guard name.hasPrefix("seed-"), let seed = UInt64(name.dropFirst(5)), name == "seed-\(seed)"
    else { return nil }
    return seed
  }

  /// A folder's name for a prompt, such that no two prompts share one.
  ///
  /// Lower-case ASCII letters and digits stay, all else becomes single dashes. A prompt that cannot
  /// be read back from that, or is longer than 60 bytes, gets eight digits of its hash.
  public static func slug(_ prompt: String) -> String {
    var slug = ""
    for scalar in prompt.lowercased().unicodeScalars {
      if ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) {
        slug.unicodeScalars.append(scalar)
      } else if !slug.isEmpty && !slug.hasSuffix("-") {
        slug += "-"
      }
    }
    if slug.hasSuffix("-") { slug.removeLast() }
    let restored = String(slug.map { $0 == "-" ? " " : $0 })
    if Array(restored.utf8) == Array(prompt.utf8), (1...60).contains(slug.count) { return slug }
    slug = String(slug.prefix(60))
    return (slug.isEmpty ? "prompt" : slug.hasSuffix("-") ? String(slug.dropLast()) : slug)
      + "-" + hash(prompt)
  }

  /// Eight digits of FNV-1a, folded from 64 bits.
  private static func hash(_ text: String) -> String {
    let full = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    let digits = String(UInt32(truncatingIfNeeded: full ^ (full >> 32)), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
