# The object of blocks_server.rs in Ruby: ruby blocks_server.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

class Words
  def initialize(words)
    @words = words
  end

  def each(&block)
    @words.each_with_index(&block)
    @words.size
  end

  def map(&block)
    @words.map(&block)
  end
end

DRb.start_service(ARGV.fetch(0), Words.new(%w[tea coffee milk]))
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
