# Ruby's side of the codec benchmark: reads orders such as `dump integers 0.2` from standard
# input, and answers each with the nanoseconds that one dump or load has taken.

class Record
  attr_accessor :id, :name, :tags, :score, :active
  def initialize(id)
    @id = 1_000_000 + id
    @name = format("record-%06d", id)
    @tags = Array.new(id % 4) { |tag| "tag-#{tag}-#{id}" }
    @score = id * 1.25
    @active = id.even?
  end
end

# What is dumped, and then loaded: each row is a list of values with a Marshal stream each.
ROWS = {
  "call" => [nil, "inc".encode("US-ASCII"), 2, "counter", 1, nil],
  "integers" => [Array.new(1000) { |i| i * 7919 - 1_000_000 }],
  "strings" => [Array.new(1000) { |i| "string number #{i}" }],
  "hashes" => [Array.new(100) { |i| { id: i, name: "name #{i}", size: i * 100, ok: true } }],
  "objects" => [Array.new(100) { |i| Record.new(i) }],
  "bytes" => [("\x00\xff".b * 500_000)],
}.freeze
STREAMS = ROWS.transform_values { |values| values.map { |value| Marshal.dump(value) } }

def measure(seconds)
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
  finish = started + (seconds * 1e9).to_i
  turns = 0
  loop do
    yield
    turns += 1
    now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
    return (now - started) / turns.to_f if now >= finish
  end
end

# Many turns of a cheap row between two looks at the clock.
def turns(row) = row == "call" ? 200 : 1

$stdout.sync = true
while (order = $stdin.gets)
  what, row, seconds = order.split
  repeat = turns(row)
  took =
    case what
    when "streams" # the bytes themselves, so that both sides are known to handle the same
      puts STREAMS.fetch(row).map { |stream| stream.unpack1("H*") }.join(" ")
      next
    when "dump"
      values = ROWS.fetch(row)
      measure(seconds.to_f) { repeat.times { values.each { |value| Marshal.dump(value) } } }
    when "load"
      streams = STREAMS.fetch(row)
      measure(seconds.to_f) { repeat.times { streams.each { |stream| Marshal.load(stream) } } }
    end
  puts took / repeat
end
