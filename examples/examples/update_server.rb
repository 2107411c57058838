# Changes what its callers pass to it: ruby update_server.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

class Pair
  def add(by)
    @first += by
    @second += by
    nil
  end
end

class Updater
  # Of its own copy, or of the caller's pair: here it looks the same.
  def update(pair)
    pair.add(1)
  end
end

DRb.start_service(ARGV.fetch(0), Updater.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
