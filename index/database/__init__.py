"""The same search through a vector database, for collections that one machine cannot hold."""
