/// What differs when the same run is made again; comparisons of runs ignore it.
public struct RunProvenance: Hashable, Sendable, Codable {
  /// Where a file or folder that a run read was found.
  public struct Source: Hashable, Sendable, Codable {
    /// The absolute path.
    public var path: String
    /// How it was read, by option, as in `variant`; empty for the usual way.
    public var options: [String: String]

    /// A place, and how it was read.
    public init(path: String, options: [String: String] = [:]) {
      self.path = path
      self.options = options
    }
  }

  /// Heed's version.
  public var version: String
  /// When the run began, ISO 8601 in UTC.
  public var date: String
  /// Seconds the denoising took, those before interruptions too; `nil` until the run is complete.
  public var seconds: Double?
  /// The machine's name.
  public var host: String
  /// The command as it was given, without the program's own path; empty if no command made the run.
  public var commandLine: [String]
  /// Where the checkpoint was.
  public var checkpoint: Source?
  /// Where the LoRAs were, in the order in which they were added.
  public var loras: [Source]
  /// Where the embeddings of added words were, in their order.
  public var embeddings: [Source]
  /// Where the start picture was.
  public var picture: Source?

  /// How and where a run is made.
  public init(
    version: String, date: String, seconds: Double? = nil, host: String = "",
    commandLine: [String] = [], checkpoint: Source? = nil, loras: [Source] = [],
    embeddings: [Source] = [], picture: Source? = nil
  ) {
    self.version = version
    self.date = date
    self.seconds = seconds
    self.host = host
    self.commandLine = commandLine
    self.checkpoint = checkpoint
    self.loras = loras
    self.embeddings = embeddings
    self.picture = picture
  }

  /// Reads what is known of a run; one that names no embeddings has none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    version = try container.decode(String.self, forKey: .version)
    date = try container.decode(String.self, forKey: .date)
    seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
    host = try container.decode(String.self, forKey: .host)
    commandLine = try container.decode([String].self, forKey: .commandLine)
    checkpoint = try container.decodeIfPresent(Source.self, forKey: .checkpoint)
    loras = try container.decode([Source].self, forKey: .loras)
    embeddings = try container.decodeIfPresent([Source].self, forKey: .embeddings) ?? []
    picture = try container.decodeIfPresent(Source.self, forKey: .picture)
  }
}
